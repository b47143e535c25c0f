// SPDX-License-Identifier: Apache-2.0
//
// Walks down and by index: the borders of leaves and of the index space, and nodes that move, leave or come between
// two steps.
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/array_core_peer.h"
#include "tests/support/move_node.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/node_cache.h"

namespace mxa::xarray {
namespace {

constexpr uint64_t kLast = ~uint64_t{0};
using Indices = std::vector<uint64_t>;

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

class CursorWaysTest : public testing::Test {
 protected:
  void Put(uint64_t index) { ASSERT_TRUE(array_.Store(index, ValueEntry(index & 0xffff)).ok()); }
  void PutAll(const Indices& indices) {
    for (const uint64_t index : indices) Put(index);
  }
  void MoveNodesOf(uint64_t index) {
    for (unsigned height = 1; height <= ArrayCorePeer::Height(array_); ++height) {
      Node* node = ArrayCorePeer::NodeAt(array_, index, height);
      if (node == nullptr) continue;
      ASSERT_EQ(tests::MoveNode(*nodes_, node).result, reclaim::MoveResult::kMoved);
    }
  }

  Indices WalkDown(uint64_t from, uint64_t first) {
    Indices met;
    Cursor cursor(array_, from);
    while (cursor.Prev(first) != kNull) met.push_back(cursor.index());
    return met;
  }
  Indices WalkDown(const MarkFilter& filter, uint64_t from, uint64_t first) {
    Indices met;
    Cursor cursor(array_, from);
    while (cursor.PrevMatching(filter, first) != kNull) met.push_back(cursor.index());
    return met;
  }

  std::unique_ptr<NodeCache> nodes_ = NodeCache::Create().value();
  ArrayCore array_{*nodes_};
};

Indices Reversed(const Indices& indices) { return {indices.rbegin(), indices.rend()}; }

TEST_F(CursorWaysTest, DownNothing) {
  reclaim::ReadSection section;
  EXPECT_EQ(WalkDown(kLast, 0), Indices{});
  EXPECT_EQ(WalkDown(0, 0), Indices{});
}

TEST_F(CursorWaysTest, DownToAnEntryInTheHead) {
  Put(0);
  array_.SetMark(0, Mark::k1);
  reclaim::ReadSection section;
  EXPECT_EQ(WalkDown(kLast, 0), Indices{0});
  EXPECT_EQ(WalkDown(0, 0), Indices{0});
  EXPECT_EQ(WalkDown(kLast, 1), Indices{});
  EXPECT_EQ(WalkDown(MarkFilter().With(Mark::k1), 7, 0), Indices{0});
  EXPECT_EQ(WalkDown(MarkFilter().Without(Mark::k1), 7, 0), Indices{});
  Cursor cursor(array_, 5);
  EXPECT_EQ(cursor.Prev(0), ValueEntry(0));
  EXPECT_EQ(cursor.Prev(0), kNull);
  EXPECT_EQ(cursor.Prev(0), kNull);
}

TEST_F(CursorWaysTest, DownInOrderFromTheVeryEnd) {
  const Indices all = {0,
                       1,
                       62,
                       63,
                       64,
                       127,
                       4095,
                       4096,
                       (uint64_t{1} << 32) - 1,
                       uint64_t{1} << 32,
                       uint64_t{1} << 60,
                       kLast - 64,
                       kLast - 63,
                       kLast - 1,
                       kLast};
  PutAll(all);
  reclaim::ReadSection section;
  EXPECT_EQ(WalkDown(kLast, 0), Reversed(all));
  EXPECT_EQ(WalkDown(4095, 63), (Indices{4095, 127, 64, 63}));
  EXPECT_EQ(WalkDown(4094, 128), Indices{});
  EXPECT_EQ(WalkDown(kLast, kLast), Indices{kLast});
  EXPECT_EQ(WalkDown(64, 64), Indices{64});
  EXPECT_EQ(WalkDown(uint64_t{1} << 32, uint64_t{1} << 32), Indices{uint64_t{1} << 32});
}

TEST_F(CursorWaysTest, DownTheMarkedOnly) {
  for (uint64_t index = 0; index < 10000; ++index) Put(index);
  const Indices marked = {0, 63, 64, 4095, 4096, 7777, 9999};
  for (const uint64_t index : marked) array_.SetMark(index, Mark::k2);
  array_.SetMark(64, Mark::k0);
  reclaim::ReadSection section;
  const MarkFilter with = MarkFilter().With(Mark::k2);
  EXPECT_EQ(WalkDown(with, kLast, 0), Reversed(marked));
  EXPECT_EQ(WalkDown(with, 4095, 1), (Indices{4095, 64, 63}));
  EXPECT_EQ(WalkDown(with.Without(Mark::k0), 4095, 1), (Indices{4095, 63}));
  EXPECT_EQ(WalkDown(with.With(Mark::k0), kLast, 0), Indices{64});
  EXPECT_EQ(WalkDown(with.Without(Mark::k2), kLast, 0), Indices{});
  EXPECT_EQ(WalkDown(MarkFilter().Without(Mark::k2), kLast, 0).size(), 10000 - marked.size());
}

TEST_F(CursorWaysTest, ALaterBoundGoesOnDown) {
  PutAll({10, 20, 200});
  reclaim::ReadSection section;
  Cursor cursor(array_, 250);
  EXPECT_EQ(cursor.Prev(201), kNull);
  EXPECT_EQ(cursor.Prev(100), ValueEntry(200));
  EXPECT_EQ(cursor.Prev(21), kNull);
  EXPECT_EQ(cursor.Prev(15), ValueEntry(20));
  EXPECT_EQ(cursor.Prev(0), ValueEntry(10));
}

TEST_F(CursorWaysTest, TurningGoesOnFromTheIndexMet) {
  PutAll({5, 63, 64, 70});
  reclaim::ReadSection section;
  Cursor cursor(array_, 0);
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(5));
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(63));
  EXPECT_EQ(cursor.Prev(0), ValueEntry(5));
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(63));
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(64));
  EXPECT_EQ(cursor.NextIndex(), kNull);
  EXPECT_EQ(cursor.index(), 65u);
  EXPECT_EQ(cursor.PrevIndex(), ValueEntry(64));
  EXPECT_EQ(cursor.PrevIndex(), ValueEntry(63));
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(64));
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(70));
  EXPECT_EQ(cursor.Next(kLast), kNull);
  EXPECT_EQ(cursor.Prev(0), ValueEntry(64));
}

TEST_F(CursorWaysTest, TurningAtBothEnds) {
  PutAll({0, kLast});
  reclaim::ReadSection section;
  Cursor cursor(array_, kLast);
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(0xffff));
  EXPECT_EQ(cursor.Next(kLast), kNull);
  EXPECT_EQ(cursor.Prev(0), ValueEntry(0));
  EXPECT_EQ(cursor.Prev(0), kNull);
  EXPECT_EQ(cursor.PrevIndex(), ValueEntry(0xffff));
  EXPECT_EQ(cursor.index(), kLast);
  EXPECT_EQ(cursor.Next(kLast), kNull);
  EXPECT_EQ(cursor.NextIndex(), ValueEntry(0));
  EXPECT_EQ(cursor.Prev(0), kNull);
}

TEST_F(CursorWaysTest, StepsOverHolesOfEveryWidth) {
  for (const uint64_t index : {uint64_t{3}, uint64_t{63}, uint64_t{64}, uint64_t{4095}, uint64_t{1} << 32, kLast}) {
    Put(index);
    reclaim::ReadSection section;
    for (uint64_t start : {index - 3, uint64_t{60}, uint64_t{4090}}) {
      Cursor up(array_, start);
      for (uint64_t i = 0; i < 140; ++i) {
        ASSERT_EQ(up.NextIndex(), array_.Load(start + i)) << start + i;
        ASSERT_EQ(up.index(), start + i);
      }
      Cursor down(array_, start + 140);
      for (uint64_t i = 0; i < 300; ++i) ASSERT_EQ(down.PrevIndex(), array_.Load(start + 140 - i)) << start + 140 - i;
    }
  }
}

TEST_F(CursorWaysTest, GoesOnDownWhenItsLeafMoves) {
  PutAll({1, 2, 100, 500, 501, 5000});
  reclaim::ReadSection section;
  Cursor cursor(array_, kLast);
  EXPECT_EQ(cursor.Prev(0), ValueEntry(5000));
  MoveNodesOf(5000);
  EXPECT_EQ(cursor.Prev(0), ValueEntry(501));
  MoveNodesOf(501);
  Put(499);  // in the copy only
  array_.Erase(500);
  EXPECT_EQ(cursor.Prev(0), ValueEntry(499));
  MoveNodesOf(100);
  MoveNodesOf(2);
  EXPECT_EQ(cursor.Prev(0), ValueEntry(100));
  EXPECT_EQ(cursor.Prev(0), ValueEntry(2));
  array_.Erase(1);
  EXPECT_EQ(cursor.Prev(0), kNull);
}

TEST_F(CursorWaysTest, StepsByIndexSeeWhatAMovedLeafHolds) {
  PutAll({64, 66, 5000});
  reclaim::ReadSection section;
  Cursor up(array_, 64);
  Cursor down(array_, 66);
  EXPECT_EQ(up.NextIndex(), ValueEntry(64));
  EXPECT_EQ(down.PrevIndex(), ValueEntry(66));
  MoveNodesOf(64);
  Put(65);
  EXPECT_EQ(up.NextIndex(), ValueEntry(65));
  EXPECT_EQ(down.PrevIndex(), ValueEntry(65));
}

TEST_F(CursorWaysTest, GoesOnDownWhenLeavesLeave) {
  PutAll({1, 500, 5000, 5001});
  reclaim::ReadSection section;
  Cursor cursor(array_, kLast);
  EXPECT_EQ(cursor.Prev(0), ValueEntry(5001));
  array_.Erase(5001);
  array_.Erase(5000);
  Put(600);
  EXPECT_EQ(cursor.Prev(0), ValueEntry(600));
  array_.Erase(600);
  array_.Erase(500);  // the tree shrinks to its first leaf
  EXPECT_EQ(cursor.Prev(0), ValueEntry(1));
}

TEST_F(CursorWaysTest, MarkedWalkDownGoesOnWhenTheTreeCollapsesIntoTheHead) {
  PutAll({0, 9});
  array_.SetMark(0, Mark::k0);
  array_.SetMark(9, Mark::k0);
  reclaim::ReadSection section;
  Cursor cursor(array_, kLast);
  EXPECT_EQ(cursor.PrevMarked(Mark::k0, 0), ValueEntry(9));
  array_.Erase(9);
  EXPECT_EQ(cursor.PrevMarked(Mark::k0, 0), ValueEntry(0));
  EXPECT_EQ(cursor.PrevMarked(Mark::k0, 0), kNull);
}

TEST_F(CursorWaysTest, WhatGrowsAboveIsNotMetOnTheWayDown) {
  PutAll({1, 63});
  reclaim::ReadSection section;
  Cursor cursor(array_, kLast);
  EXPECT_EQ(cursor.Prev(0), ValueEntry(63));
  Put(kLast);
  Put(64);
  EXPECT_EQ(cursor.Prev(0), ValueEntry(1));
  EXPECT_EQ(cursor.Prev(0), kNull);
  EXPECT_EQ(cursor.PrevIndex(), kNull);
  EXPECT_EQ(cursor.PrevIndex(), ValueEntry(0xffff));
}

TEST_F(CursorWaysTest, PauseOnTheWayDownHoldsNoNode) {
  for (uint64_t index = 0; index < 200; ++index) Put(index);
  Cursor cursor(array_, kLast);
  {
    reclaim::ReadSection section;
    for (uint64_t index = 200; index-- > 130;) EXPECT_EQ(cursor.Prev(0), ValueEntry(index));
    cursor.Pause();
  }
  array_.Clear();
  nodes_->slabs().FreeRcuBarrier();
  PutAll({30, 130, 300});
  reclaim::ReadSection section;
  EXPECT_EQ(cursor.Prev(0), ValueEntry(30));
}

}  // namespace
}  // namespace mxa::xarray
