// SPDX-License-Identifier: Apache-2.0
//
// A walk meets every entry that is there all the time once, in ascending order, whatever happens to the tree under it.
#include "xarray/cursor.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/array_core_peer.h"
#include "xarray/array_core.h"
#include "xarray/node_cache.h"

namespace mxa::xarray {
namespace {

constexpr uint64_t kLast = ~uint64_t{0};

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

class CursorTest : public testing::Test {
 protected:
  void Put(uint64_t index) { ASSERT_TRUE(array_.Store(index, ValueEntry(index & 0xffff)).ok()); }

  std::vector<uint64_t> Walk(uint64_t first, uint64_t last) {
    std::vector<uint64_t> met;
    Cursor cursor(array_, first);
    while (cursor.Next(last) != kNull) met.push_back(cursor.index());
    return met;
  }
  std::vector<uint64_t> WalkMarked(Mark mark, uint64_t first, uint64_t last) {
    std::vector<uint64_t> met;
    Cursor cursor(array_, first);
    while (cursor.NextMarked(mark, last) != kNull) met.push_back(cursor.index());
    return met;
  }

  std::unique_ptr<NodeCache> nodes_ = NodeCache::Create().value();
  ArrayCore array_{*nodes_};
};

using Indices = std::vector<uint64_t>;

TEST_F(CursorTest, WalksNothing) {
  reclaim::ReadSection section;
  EXPECT_EQ(Walk(0, kLast), Indices{});
  EXPECT_EQ(WalkMarked(Mark::k0, 0, kLast), Indices{});
}

TEST_F(CursorTest, MeetsAnEntryInTheHead) {
  Put(0);
  array_.SetMark(0, Mark::k1);
  reclaim::ReadSection section;
  EXPECT_EQ(Walk(0, kLast), Indices{0});
  EXPECT_EQ(Walk(1, kLast), Indices{});
  EXPECT_EQ(WalkMarked(Mark::k1, 0, 0), Indices{0});
  EXPECT_EQ(WalkMarked(Mark::k0, 0, kLast), Indices{});
}

TEST_F(CursorTest, WalksInOrderToTheVeryEnd) {
  const Indices all = {0, 1, 62, 63, 64, 127, 4096, uint64_t{1} << 32, uint64_t{1} << 60, kLast - 64, kLast - 1, kLast};
  for (const uint64_t index : all) Put(index);
  reclaim::ReadSection section;
  EXPECT_EQ(Walk(0, kLast), all);
  EXPECT_EQ(Walk(kLast, kLast), Indices{kLast});
  EXPECT_EQ(Walk(63, 4096), (Indices{63, 64, 127, 4096}));
  EXPECT_EQ(Walk(128, 4095), Indices{});
  Cursor cursor(array_, kLast);
  EXPECT_NE(cursor.Next(kLast), kNull);
  EXPECT_EQ(cursor.Next(kLast), kNull);
  EXPECT_EQ(cursor.Next(kLast), kNull);
  EXPECT_EQ(cursor.NextMarked(Mark::k0, kLast), kNull);
}

TEST_F(CursorTest, MarkedWalkMeetsTheMarkedOnly) {
  for (uint64_t index = 0; index < 10000; ++index) Put(index);
  Indices marked = {0, 63, 64, 4095, 4096, 7777, 9999};
  for (const uint64_t index : marked) array_.SetMark(index, Mark::k2);
  reclaim::ReadSection section;
  EXPECT_EQ(WalkMarked(Mark::k2, 0, kLast), marked);
  EXPECT_EQ(WalkMarked(Mark::k2, 64, 7776), (Indices{64, 4095, 4096}));
  EXPECT_EQ(WalkMarked(Mark::k0, 0, kLast), Indices{});
}

TEST_F(CursorTest, MarkedWalkReachesTheLastIndex) {
  for (const uint64_t index : {uint64_t{5}, kLast - 70, kLast}) Put(index);
  array_.SetMark(kLast, Mark::k0);
  reclaim::ReadSection section;
  EXPECT_EQ(WalkMarked(Mark::k0, 0, kLast), Indices{kLast});
  Cursor cursor(array_, 0);
  EXPECT_NE(cursor.NextMarked(Mark::k0, kLast), kNull);
  EXPECT_EQ(cursor.NextMarked(Mark::k0, kLast), kNull);
}

TEST_F(CursorTest, ALaterBoundGoesOn) {
  for (const uint64_t index : {uint64_t{10}, uint64_t{20}, uint64_t{200}}) Put(index);
  reclaim::ReadSection section;
  Cursor cursor(array_, 0);
  EXPECT_EQ(cursor.Next(15), ValueEntry(10));
  EXPECT_EQ(cursor.Next(15), kNull);
  EXPECT_EQ(cursor.Next(150), ValueEntry(20));
  EXPECT_EQ(cursor.Next(150), kNull);
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(200));
}

TEST_F(CursorTest, PauseHoldsNoNode) {
  for (uint64_t index = 0; index < 200; ++index) Put(index);
  Cursor cursor(array_, 0);
  {
    reclaim::ReadSection section;
    for (uint64_t index = 0; index < 70; ++index) EXPECT_EQ(cursor.Next(kLast), ValueEntry(index));
    cursor.Pause();
  }
  array_.Clear();
  nodes_->slabs().FreeRcuBarrier();
  Put(30);
  Put(300);
  reclaim::ReadSection section;
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(300));
}

TEST_F(CursorTest, GoesOnWhenItsLeafLeaves) {
  for (const uint64_t index : {uint64_t{1}, uint64_t{2}, uint64_t{500}, uint64_t{5000}}) Put(index);
  reclaim::ReadSection section;
  Cursor cursor(array_, 0);
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(1));
  array_.Erase(1);
  array_.Erase(2);
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(500));
  array_.Erase(500);
  array_.Erase(5000);
  Put(100);
  Put(6000);
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(6000));
}

TEST_F(CursorTest, FindsWhatGrewAboveIt) {
  Put(1);
  Put(63);
  reclaim::ReadSection section;
  Cursor cursor(array_, 0);
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(1));
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(63));
  Put(kLast);
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(0xffff));
  EXPECT_EQ(cursor.index(), kLast);
}

TEST_F(CursorTest, GoesOnWhenTheTreeShrinksAndGrowsUnderIt) {
  Put(1);
  Put(2);
  Put(5000);
  reclaim::ReadSection section;
  Cursor cursor(array_, 0);
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(1));
  array_.Erase(5000);
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(2));
  Put(70);
  Put(5001);
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(70));
  EXPECT_EQ(cursor.Next(kLast), ValueEntry(5001));
  EXPECT_EQ(cursor.Next(kLast), kNull);
}

TEST_F(CursorTest, MarkedWalkGoesOnWhenTheTreeCollapsesIntoTheHead) {
  Put(0);
  Put(9);
  array_.SetMark(0, Mark::k0);
  array_.SetMark(9, Mark::k0);
  reclaim::ReadSection section;
  Cursor cursor(array_, 0);
  EXPECT_EQ(cursor.NextMarked(Mark::k0, kLast), ValueEntry(0));
  array_.Erase(9);
  EXPECT_EQ(cursor.NextMarked(Mark::k0, kLast), kNull);
}

// What is at index() now, also when the entry, its leaf or the whole tree has gone since.
TEST_F(CursorTest, ReloadsWhatIsThereNow) {
  for (uint64_t index : {5u, 6u, 63u, 64u, 5000u}) Put(index);
  reclaim::ReadSection section;
  for (const bool by_index : {false, true}) {
    Cursor cursor(array_, 63);
    EXPECT_EQ(cursor.Reload(), ValueEntry(63));
    EXPECT_EQ(by_index ? cursor.NextIndex() : cursor.Next(kLast), ValueEntry(63));
    EXPECT_EQ(cursor.Reload(), ValueEntry(63));
    ASSERT_TRUE(array_.Store(63, ValueEntry(7)).ok());
    EXPECT_EQ(cursor.Reload(), ValueEntry(7));
    array_.Clear();
    EXPECT_EQ(cursor.Reload(), kNull);
    for (uint64_t index : {63u, 64u, 5000u}) Put(index);
    EXPECT_EQ(cursor.Reload(), ValueEntry(63));
    EXPECT_EQ(cursor.index(), 63u);
    EXPECT_EQ(by_index ? cursor.NextIndex() : cursor.Next(kLast), ValueEntry(64));
    EXPECT_EQ(by_index ? cursor.PrevIndex() : cursor.Prev(0), ValueEntry(63));
    EXPECT_EQ(cursor.Reload(), ValueEntry(63));
  }
}

}  // namespace
}  // namespace mxa::xarray
