// SPDX-License-Identifier: Apache-2.0
//
// The example table finds what was put in, and a pass moves what nobody holds.
#include "examples/counted_table/counted_table.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace mxa::examples {
namespace {

using slab::CompactOptions;

class CountedTableTest : public testing::Test {
 protected:
  std::unique_ptr<CountedCache> cache_ = CountedCache::Create().value();
  CountedTable table_{*cache_, 64};
};

TEST_F(CountedTableTest, FindsWhatWasInserted) {
  EXPECT_EQ(table_.Insert("usr", 1), absl::OkStatus());
  EXPECT_EQ(table_.Insert("usr", 2).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(table_.Insert(std::string(100, 'x'), 2).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(table_.Insert(std::string(CountedObject::kLongestName, 'x'), 3), absl::OkStatus());
  EXPECT_EQ(table_.Find("usr")->number(), 1u);
  EXPECT_EQ(table_.Find(std::string(CountedObject::kLongestName, 'x'))->number(), 3u);
  EXPECT_FALSE(table_.Find("etc"));
  EXPECT_TRUE(table_.Erase("usr"));
  EXPECT_FALSE(table_.Erase("usr"));
  EXPECT_FALSE(table_.Find("usr"));
  EXPECT_EQ(table_.CheckInvariants(), absl::OkStatus());
}

TEST_F(CountedTableTest, AReferenceOutlivesRemovalAndTable) {
  Reference etc;
  Reference usr;
  {
    CountedTable table(*cache_, 1);
    ASSERT_TRUE(table.Insert("usr", 1).ok());
    ASSERT_TRUE(table.Insert("etc", 2).ok());
    usr = table.Find("usr");
    etc = table.Find("etc");
    EXPECT_TRUE(table.Erase("usr"));
  }
  cache_->slabs().FreeRcuBarrier();
  EXPECT_EQ(usr->name(), "usr");
  EXPECT_EQ(etc->name(), "etc");
  EXPECT_EQ(cache_->slabs().Stats().live, 2u);
  { const Reference ended = std::move(usr); }
  etc = Reference();
  cache_->slabs().FreeRcuBarrier();
  EXPECT_EQ(cache_->slabs().Stats().live, 0u);
}

TEST_F(CountedTableTest, APassMovesWhatNobodyHolds) {
  for (uint64_t i = 0; i < 2000; ++i) ASSERT_TRUE(table_.Insert(absl::StrCat(i), i).ok());
  std::vector<Reference> held;
  for (uint64_t i = 0; i < 2000; i += 50) held.push_back(table_.Find(absl::StrCat(i)));
  for (uint64_t i = 0; i < 2000; ++i) {
    if (i % 10 != 0) table_.Erase(absl::StrCat(i));
  }
  table_.Find("10")->AddUse();
  cache_->slabs().FreeRcuBarrier();
  std::vector<CountedObject*> before;
  for (const Reference& reference : held) before.push_back(reference.get());
  const auto pass = cache_->slabs().Compact({.mode = CompactOptions::Mode::kMoveEverything});
  ASSERT_TRUE(pass.ok());
  EXPECT_EQ(pass->objects_moved, 160u);
  EXPECT_EQ(pass->skipped(), 40u);
  for (size_t i = 0; i < held.size(); ++i) {
    EXPECT_EQ(held[i].get(), before[i]);
    EXPECT_EQ(table_.Find(absl::StrCat(50 * i)).get(), before[i]);
  }
  for (uint64_t i = 0; i < 2000; i += 10) EXPECT_EQ(table_.Find(absl::StrCat(i))->number(), i);
  EXPECT_EQ(table_.Find("10")->uses(), 1u);
  EXPECT_EQ(table_.CheckInvariants(), absl::OkStatus());
  // What is held no longer moves with the next.
  held.clear();
  EXPECT_EQ(cache_->slabs().Compact({.mode = CompactOptions::Mode::kMoveEverything})->objects_moved, 200u);
}

}  // namespace
}  // namespace mxa::examples
