// SPDX-License-Identifier: Apache-2.0
//
// Entries of several indices, as users of XArray see them.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/motion.h"
#include "tests/support/shapes_and_motions.h"
#include "xarray/node_cache.h"
#include "xarray/xarray.h"

namespace mxa {
namespace {

using testing::ElementsAre;
using testing::Pair;
using tests::Motion;

constexpr uint64_t kLast = ~uint64_t{0};

// Nodes that stand still, or all of which move between any two operations.
class OrdersTest : public testing::TestWithParam<Motion::Kind> {
 protected:
  using Told = std::vector<std::pair<uint64_t, uint64_t>>;

  OrdersTest() : nodes_(xarray::NodeCache::Create().value()), array_(*nodes_), motion_(GetParam(), *nodes_) {}
  ~OrdersTest() override { EXPECT_EQ(array().CheckInvariants(), absl::OkStatus()) << array_.Dump(); }

  XArray<Value>& array() {
    motion_.Between(array_.core());
    return array_;
  }
  // What an operation tells of.
  auto To(Told& told) {
    return [&told](uint64_t index, std::optional<uint64_t> value) { told.emplace_back(index, value.value()); };
  }
  // All entries, with their orders in place of the values' own.
  std::vector<std::pair<uint64_t, unsigned>> Orders() {
    std::vector<std::pair<uint64_t, unsigned>> orders;
    for (const auto& [index, value] : array().Range()) orders.emplace_back(index, array_.GetOrder(index).value());
    return orders;
  }

  std::unique_ptr<xarray::NodeCache> nodes_;
  XArray<Value> array_;
  Motion motion_;
};

INSTANTIATE_TEST_SUITE_P(Nodes, OrdersTest,
                         testing::Values(Motion::Kind::kStill, Motion::Kind::kPasses, Motion::Kind::kAllBetween),
                         [](const testing::TestParamInfo<Motion::Kind>& info) { return tests::NameOf(info.param); });

TEST_P(OrdersTest, EveryOrderReadsAlikeAtItsEdgesAndNowhereElse) {
  for (unsigned order = 0; order <= xarray::kMaxOrder; ++order) {
    SCOPED_TRACE(order);
    const uint64_t size = xarray::OrderMask(order);  // less one
    for (const uint64_t first : {uint64_t{0}, size + 1, kLast - size}) {
      ASSERT_TRUE(array().StoreOrder(first + size / 2, order, 7).ok());
      for (const uint64_t index : {first, first + size / 2, first + size}) {
        EXPECT_EQ(array().Load(index), 7u);
        EXPECT_EQ(array().GetOrder(index), order);
      }
      if (first != 0) {
        EXPECT_EQ(array().Load(first - 1), std::nullopt);
      }
      if (first + size != kLast) {
        EXPECT_EQ(array().Load(first + size + 1), std::nullopt);
      }
      EXPECT_EQ(array().CheckInvariants(), absl::OkStatus());
      EXPECT_EQ(array().Erase(first + size), 7u);
      EXPECT_TRUE(array().empty());
    }
  }
}

TEST_P(OrdersTest, OneEntryWhateverIndexItIsReachedBy) {
  ASSERT_TRUE(array().StoreOrder(32, 4, 1).ok());
  EXPECT_EQ(array().Store(40, 2).value(), 1u);
  EXPECT_EQ(array().Load(32), 2u);
  EXPECT_EQ(array().CompareExchange(47, 2, 3).value(), 2u);
  EXPECT_EQ(array().Load(33), 3u);
  EXPECT_EQ(array().Insert(35, 9).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(array().SetMark(45, Mark::k1));
  EXPECT_TRUE(array().GetMark(32, Mark::k1));
  EXPECT_EQ(array().CountMarked(Mark::k1), 1u);
  array().ClearMark(38, Mark::k1);
  EXPECT_FALSE(array().HasMarked(Mark::k1));
  EXPECT_EQ(array().Erase(36), 3u);
  EXPECT_TRUE(array().empty());
}

TEST_P(OrdersTest, TakesThePlaceOfWhatIsSmaller) {
  for (const uint64_t index : {130u, 131u, 140u, 143u, 144u}) ASSERT_TRUE(array().Store(index, index).ok());
  ASSERT_TRUE(array().SetMark(131, Mark::k2));
  ASSERT_TRUE(array().SetMark(144, Mark::k0));
  ASSERT_TRUE(array().Reserve(135).ok());
  Told told;
  ASSERT_TRUE(array().StoreOrder(128, 4, 5, To(told)).ok());
  EXPECT_THAT(told, ElementsAre(Pair(130, 130), Pair(131, 131), Pair(140, 140), Pair(143, 143)));
  EXPECT_TRUE(array().GetMark(128, Mark::k2));
  EXPECT_FALSE(array().GetMark(128, Mark::k0));
  EXPECT_THAT(Orders(), ElementsAre(Pair(128, 4), Pair(144, 0)));
}

TEST_P(OrdersTest, TakesThePlaceOfSubtreesAndOfTheWholeTree) {
  for (const uint64_t index : {0u, 63u, 64u, 100u, 200u}) ASSERT_TRUE(array().Store(index, index).ok());
  Told told;
  ASSERT_TRUE(array().StoreOrder(100, 6, 5, To(told)).ok());
  EXPECT_THAT(told, ElementsAre(Pair(64, 64), Pair(100, 100)));
  EXPECT_THAT(Orders(), ElementsAre(Pair(0, 0), Pair(63, 0), Pair(64, 6), Pair(200, 0)));
  told.clear();
  ASSERT_TRUE(array().StoreOrder(9, 7, 6, To(told)).ok());
  EXPECT_THAT(told, ElementsAre(Pair(0, 0), Pair(63, 63), Pair(64, 5)));
  EXPECT_THAT(Orders(), ElementsAre(Pair(0, 7), Pair(200, 0)));
  told.clear();
  ASSERT_TRUE(array().StoreOrder(0, 40, 7, To(told)).ok());
  EXPECT_THAT(told, ElementsAre(Pair(0, 6), Pair(200, 200)));
  EXPECT_THAT(Orders(), ElementsAre(Pair(0, 40)));
}

TEST_P(OrdersTest, WhatIsLargerIsSplitAroundIt) {
  ASSERT_TRUE(array().StoreOrder(0, 6, 1).ok());
  ASSERT_TRUE(array().SetMark(0, Mark::k0));
  Told told;
  ASSERT_TRUE(array().StoreOrder(20, 2, 2, To(told)).ok());
  EXPECT_THAT(told, ElementsAre(Pair(20, 1)));
  EXPECT_THAT(Orders(), ElementsAre(Pair(0, 4), Pair(16, 2), Pair(20, 2), Pair(24, 3), Pair(32, 5)));
  EXPECT_EQ(array().Load(19), 1u);
  EXPECT_EQ(array().Load(21), 2u);
  EXPECT_EQ(array().Load(24), 1u);
  EXPECT_EQ(array().CountMarked(Mark::k0), 5u);
}

TEST_P(OrdersTest, InsertWantsAllItsIndicesFree) {
  ASSERT_TRUE(array().InsertOrder(8, 3, 1).ok());
  EXPECT_EQ(array().InsertOrder(12, 1, 2).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(array().InsertOrder(0, 5, 2).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(array().InsertOrder(0, 13, 2).code(), absl::StatusCode::kAlreadyExists);
  ASSERT_TRUE(array().Reserve(16).ok());
  EXPECT_EQ(array().InsertOrder(16, 2, 2).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(array().InsertOrder(4, 2, 2).ok());
  EXPECT_TRUE(array().InsertOrder(uint64_t{1} << 40, 40, 3).ok());
  EXPECT_THAT(Orders(), ElementsAre(Pair(4, 2), Pair(8, 3), Pair(uint64_t{1} << 40, 40)));
}

TEST_P(OrdersTest, SplitMakesEqualEntriesOfAnyDepth) {
  ASSERT_TRUE(array().StoreOrder(0, 13, 1).ok());
  ASSERT_TRUE(array().SetMark(5000, Mark::k1));
  ASSERT_TRUE(array().Split(77, 5).ok());
  EXPECT_EQ(array().CountMarked(Mark::k1), 256u);
  for (uint64_t index = 0; index < 8192; index += 32) {
    ASSERT_EQ(array().GetOrder(index), 5u);
    ASSERT_EQ(array().Load(index + 31), 1u);
  }
  ASSERT_TRUE(array().Split(64, 4).ok());
  EXPECT_EQ(array().Store(80, 2).value(), 1u);
  EXPECT_EQ(array().Load(79), 1u);
  EXPECT_EQ(array().Load(95), 2u);
  EXPECT_EQ(array().Load(96), 1u);
  EXPECT_TRUE(array().Split(64, 4).ok());
  EXPECT_TRUE(array().Split(64, 20).ok());
  EXPECT_EQ(array().GetOrder(64), 4u);
  EXPECT_EQ(array().Split(1 << 20, 0).code(), absl::StatusCode::kNotFound);
}

TEST_P(OrdersTest, SplitTowardLeavesLargePieces) {
  ASSERT_TRUE(array().StoreOrder(0, 9, 1).ok());
  ASSERT_TRUE(array().SplitToward(70, 0).ok());
  EXPECT_THAT(Orders(), ElementsAre(Pair(0, 6), Pair(64, 2), Pair(68, 1), Pair(70, 0), Pair(71, 0), Pair(72, 3),
                                    Pair(80, 4), Pair(96, 5), Pair(128, 7), Pair(256, 8)));
}

TEST_P(OrdersTest, ASplitTooLargeForAnyMemoryFailsAtOnce) {
  ASSERT_TRUE(array().StoreOrder(0, 60, 1).ok());
  EXPECT_EQ(array().Split(0, 0).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(array().SplitToward(12345, 0).ok());
  EXPECT_EQ(array().GetOrder(12345), 0u);
}

TEST_P(OrdersTest, RangesAreStoredAndErasedToTheIndex) {
  ASSERT_TRUE(array().StoreRange(5, 1000, 1).ok());
  EXPECT_THAT(Orders(), ElementsAre(Pair(5, 0), Pair(6, 1), Pair(8, 3), Pair(16, 4), Pair(32, 5), Pair(64, 6),
                                    Pair(128, 7), Pair(256, 8), Pair(512, 8), Pair(768, 7), Pair(896, 6), Pair(960, 5),
                                    Pair(992, 3), Pair(1000, 0)));
  Told told;
  ASSERT_TRUE(array().EraseRange(100, 899, To(told)).ok());
  EXPECT_EQ(array().Load(99), 1u);
  EXPECT_EQ(array().Load(100), std::nullopt);
  EXPECT_EQ(array().Load(899), std::nullopt);
  EXPECT_EQ(array().Load(900), 1u);
  EXPECT_THAT(told, ElementsAre(Pair(100, 1), Pair(104, 1), Pair(112, 1), Pair(128, 1), Pair(256, 1), Pair(512, 1),
                                Pair(768, 1), Pair(896, 1)));
  ASSERT_TRUE(array().StoreRange(0, kLast, 2).ok());
  EXPECT_THAT(Orders(), ElementsAre(Pair(0, 63), Pair(uint64_t{1} << 63, 63)));
  ASSERT_TRUE(array().EraseRange(0, kLast).ok());
  EXPECT_TRUE(array().empty());
}

TEST_P(OrdersTest, WalksMeetAnEntryOnce) {
  ASSERT_TRUE(array().StoreOrder(64, 5, 1).ok());
  ASSERT_TRUE(array().StoreOrder(4096, 12, 2).ok());
  ASSERT_TRUE(array().Store(96, 3).ok());
  std::vector<std::pair<uint64_t, uint64_t>> met;
  for (const auto& [index, value] : array().Range(70, 5000)) met.emplace_back(index, *value);
  EXPECT_THAT(met, ElementsAre(Pair(70, 1), Pair(96, 3), Pair(4096, 2)));
  met.clear();
  for (const auto& [index, value] : array().Range(70, 5000).Reversed()) met.emplace_back(index, *value);
  EXPECT_THAT(met, ElementsAre(Pair(4096, 2), Pair(96, 3), Pair(70, 1)));
  EXPECT_EQ(array().Find(80)->index, 80u);
  EXPECT_EQ(array().FindAfter(95)->index, 96u);
  reclaim::ReadSection section;
  XArrayCursor<Value> cursor(array(), 94);
  EXPECT_EQ(cursor.NextIndex(), 1u);
  EXPECT_EQ(cursor.NextIndex(), 1u);
  EXPECT_EQ(cursor.NextIndex(), 3u);
  EXPECT_EQ(cursor.NextIndex(), std::nullopt);
}

TEST_P(OrdersTest, AWalkThatTurnsDoesNotMeetItAgain) {
  for (const unsigned order : {3u, 6u, 7u}) {
    SCOPED_TRACE(order);
    ASSERT_TRUE(array().StoreOrder(4096, order, 2).ok());
    ASSERT_TRUE(array().Store(9000, 3).ok());
    ASSERT_TRUE(array().Store(1, 1).ok());
    reclaim::ReadSection section;
    XArrayCursor<Value> cursor(array(), 5000);
    EXPECT_EQ(cursor.Prev(), 2u);
    EXPECT_EQ(cursor.index(), 4096u);
    EXPECT_EQ(cursor.Next(), 3u);
    EXPECT_EQ(cursor.Prev(), 2u);
    EXPECT_EQ(cursor.Prev(), 1u);
    EXPECT_EQ(cursor.Next(), 2u);
    EXPECT_EQ(cursor.Prev(), 1u);
    array().Clear();
  }
}

TEST_P(OrdersTest, IdsComeBetweenEntries) {
  ASSERT_TRUE(array().StoreRange(0, 4095, 1).ok());
  ASSERT_TRUE(array().StoreOrder(4098, 1, 2).ok());
  EXPECT_EQ(array().Allocate(3).value(), 4096u);
  EXPECT_EQ(array().Allocate(3).value(), 4097u);
  EXPECT_EQ(array().Allocate(3).value(), 4100u);
  ASSERT_TRUE(array().EraseRange(77, 77).ok());
  EXPECT_EQ(array().Allocate(3).value(), 77u);
}

TEST(OrdersDeathTest, Misuse) {
  XArray<Value> array;
  EXPECT_DEATH(array.StoreOrder(0, 64, 1).IgnoreError(), "higher order than 63");
  EXPECT_DEATH(array.StoreOrder(0, 1, std::nullopt).IgnoreError(), "not an entry that several indices may have");
  EXPECT_DEATH(array.StoreRange(2, 1, 1).IgnoreError(), "ends before it begins");
  EXPECT_DEATH(array.EraseRange(2, 1).IgnoreError(), "ends before it begins");
  EXPECT_DEATH(array.Split(0, 64).IgnoreError(), "higher order than 63");
}

}  // namespace
}  // namespace mxa
