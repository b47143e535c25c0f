// SPDX-License-Identifier: Apache-2.0
//
// With any one of the nodes that an operation on orders and ranges needs missing, it changes nothing; with all of them it
// works.
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "slab/arena.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

constexpr Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

void TellNobody(uint64_t, Entry) {}

struct Operation {
  std::string name;
  std::function<absl::Status(ArrayCore&)> run;
};

std::vector<Operation> Operations() {
  return {
      {"GrowToAnOrder", [](ArrayCore& a) { return a.StoreOrder(uint64_t{1} << 62, 7, ValueEntry(9), TellNobody); }},
      {"APathToAnOrder", [](ArrayCore& a) { return a.StoreOrder(uint64_t{1} << 29, 4, ValueEntry(9), TellNobody); }},
      {"InPlaceOfTheTree", [](ArrayCore& a) { return a.StoreOrder(0, 62, ValueEntry(9), TellNobody); }},
      {"InPlaceOfSeveral", [](ArrayCore& a) { return a.StoreOrder(0, 3, ValueEntry(9), TellNobody); }},
      {"InsideALargerOne", [](ArrayCore& a) { return a.StoreOrder(70'000, 2, ValueEntry(9), TellNobody); }},
      {"Insert", [](ArrayCore& a) { return a.InsertOrder(uint64_t{1} << 40, 8, ValueEntry(9)); }},
      {"StoreRange", [](ArrayCore& a) { return a.StoreRange(3, 70'001, ValueEntry(9), TellNobody); }},
      {"EraseRange", [](ArrayCore& a) { return a.EraseRange(66'001, 90'001, TellNobody); }},
      {"Split", [](ArrayCore& a) { return a.Split(70'000, 8); }},
      {"SplitToward", [](ArrayCore& a) { return a.SplitToward(70'000, 0); }},
  };
}

class OrdersOomTest : public testing::TestWithParam<Operation> {
 protected:
  using Content = std::vector<std::tuple<uint64_t, Entry, unsigned, bool>>;

  OrdersOomTest() {
    slab::ArenaOptions options;
    options.reserve_bytes = options.min_reserve_bytes = slab::kRegionSize;
    arena_ = slab::Arena::Create(options).value();
    nodes_ = NodeCache::Create(arena_.get()).value();
  }

  Content ContentOf(const ArrayCore& array) {
    Content content;
    reclaim::ReadSection section;
    Cursor cursor(array, 0);
    while (const Entry entry = cursor.Next(~uint64_t{0})) {
      content.emplace_back(cursor.index(), entry, array.GetOrder(cursor.index()).value(),
                           array.GetMark(cursor.index(), Mark::k1));
    }
    return content;
  }

  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<NodeCache> nodes_;
};

INSTANTIATE_TEST_SUITE_P(Operations, OrdersOomTest, testing::ValuesIn(Operations()),
                         [](const testing::TestParamInfo<Operation>& info) { return info.param.name; });

TEST_P(OrdersOomTest, FailsWhollyOrNotAtAll) {
  ArrayCore array(*nodes_);
  for (const uint64_t index : {1u, 5u, 300u}) ASSERT_TRUE(array.Store(index, ValueEntry(index)).ok());
  ASSERT_TRUE(array.Store(uint64_t{1} << 30, ValueEntry(7)).ok());
  ASSERT_TRUE(array.StoreOrder(65'536, 16, ValueEntry(2), TellNobody).ok());
  ASSERT_TRUE(array.SetMark(70'000, Mark::k1));
  const Content before = ContentOf(array);
  std::vector<Node*> taken;
  while (Node* node = nodes_->Allocate(slab::AllocFlags::kNone)) taken.push_back(node);
  int failed = 0;
  for (absl::Status status; !(status = GetParam().run(array)).ok(); ++failed) {
    ASSERT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    ASSERT_EQ(ContentOf(array), before) << "with " << failed << " nodes";
    ASSERT_EQ(CheckInvariants(array), absl::OkStatus());
    ASSERT_FALSE(taken.empty());
    nodes_->Free(taken.back());
    taken.pop_back();
  }
  EXPECT_GE(failed, 1);
  EXPECT_NE(ContentOf(array), before);
  EXPECT_EQ(CheckInvariants(array), absl::OkStatus());
  for (Node* node : taken) nodes_->Free(node);
}

}  // namespace
}  // namespace mxa::xarray
