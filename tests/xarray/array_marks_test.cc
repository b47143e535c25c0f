// SPDX-License-Identifier: Apache-2.0
//
// Marks: kept by overwriting, dropped by erasing, aggregated to the array, and kept when the tree grows and shrinks.
#include <memory>

#include "gtest/gtest.h"
#include "tests/support/array_core_peer.h"
#include "xarray/array_core.h"
#include "xarray/dump.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

class ArrayMarksTest : public testing::Test {
 protected:
  ~ArrayMarksTest() override { EXPECT_EQ(CheckInvariants(array_), absl::OkStatus()) << Dump(array_); }

  void Put(uint64_t index) { ASSERT_TRUE(array_.Store(index, ValueEntry(1)).ok()); }

  std::unique_ptr<NodeCache> nodes_ = NodeCache::Create().value();
  ArrayCore array_{*nodes_};
};

TEST_F(ArrayMarksTest, NothingCannotBeMarked) {
  EXPECT_FALSE(array_.SetMark(0, Mark::k0));
  Put(100);
  EXPECT_FALSE(array_.SetMark(0, Mark::k0));
  EXPECT_FALSE(array_.SetMark(~uint64_t{0}, Mark::k0));
  EXPECT_FALSE(array_.HasMarked(Mark::k0));
}

TEST_F(ArrayMarksTest, AggregateUpToTheArray) {
  for (const uint64_t index : {uint64_t{0}, uint64_t{64}, uint64_t{1} << 32, ~uint64_t{0}}) Put(index);
  EXPECT_TRUE(array_.SetMark(64, Mark::k1));
  EXPECT_TRUE(array_.SetMark(~uint64_t{0}, Mark::k1));
  EXPECT_TRUE(array_.GetMark(64, Mark::k1));
  EXPECT_FALSE(array_.GetMark(64, Mark::k0));
  EXPECT_FALSE(array_.GetMark(0, Mark::k1));
  EXPECT_EQ(CheckInvariants(array_), absl::OkStatus());
  array_.ClearMark(64, Mark::k1);
  EXPECT_TRUE(array_.HasMarked(Mark::k1));
  array_.ClearMark(~uint64_t{0}, Mark::k1);
  EXPECT_FALSE(array_.HasMarked(Mark::k1));
}

TEST_F(ArrayMarksTest, OverwritingKeepsAndErasingDrops) {
  Put(3);
  Put(9);
  EXPECT_TRUE(array_.SetMark(3, Mark::k2));
  Put(3);
  EXPECT_TRUE(array_.GetMark(3, Mark::k2));
  array_.Erase(3);
  EXPECT_FALSE(array_.HasMarked(Mark::k2));
  Put(3);
  EXPECT_FALSE(array_.GetMark(3, Mark::k2));
}

TEST_F(ArrayMarksTest, AnEntryInTheHeadCarriesItsOwn) {
  Put(0);
  EXPECT_TRUE(array_.SetMark(0, Mark::k0));
  EXPECT_TRUE(array_.GetMark(0, Mark::k0));
  EXPECT_FALSE(array_.GetMark(1, Mark::k0));
  array_.ClearMark(0, Mark::k0);
  EXPECT_FALSE(array_.GetMark(0, Mark::k0));
}

TEST_F(ArrayMarksTest, SurviveGrowthAndCollapse) {
  Put(0);
  EXPECT_TRUE(array_.SetMark(0, Mark::k0));
  for (const uint64_t index : {uint64_t{63}, uint64_t{64}, uint64_t{1} << 50, ~uint64_t{0}}) {
    Put(index);
    EXPECT_EQ(CheckInvariants(array_), absl::OkStatus()) << Dump(array_);
    EXPECT_TRUE(array_.GetMark(0, Mark::k0));
    EXPECT_FALSE(array_.GetMark(index, Mark::k0));
  }
  EXPECT_TRUE(array_.SetMark(63, Mark::k1));
  for (const uint64_t index : {uint64_t{1} << 50, uint64_t{64}, ~uint64_t{0}, uint64_t{63}}) {
    array_.Erase(index);
    EXPECT_EQ(CheckInvariants(array_), absl::OkStatus()) << Dump(array_);
    EXPECT_TRUE(array_.GetMark(0, Mark::k0));
  }
  EXPECT_EQ(ArrayCorePeer::Height(array_), 0u);
  EXPECT_FALSE(array_.HasMarked(Mark::k1));
}

TEST_F(ArrayMarksTest, ClearDropsThem) {
  Put(0);
  Put(77);
  EXPECT_TRUE(array_.SetMark(0, Mark::k0));
  array_.Clear();
  EXPECT_FALSE(array_.HasMarked(Mark::k0));
  Put(0);
  EXPECT_FALSE(array_.GetMark(0, Mark::k0));
}

}  // namespace
}  // namespace mxa::xarray
