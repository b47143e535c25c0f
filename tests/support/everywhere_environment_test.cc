// SPDX-License-Identifier: Apache-2.0
//
// What motion_everywhere, which is linked into this test, moves and when.
#include "tests/support/everywhere_environment.h"

#include <cstdint>
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/array_core_peer.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/locked_array.h"
#include "xarray/node_cache.h"

namespace mxa::tests {
namespace {

using xarray::ArrayCore;
using xarray::ArrayCorePeer;
using xarray::Cursor;
using xarray::Entry;
using xarray::kNull;
using xarray::Mark;
using xarray::Node;

constexpr uint64_t kLast = ~uint64_t{0};
constexpr Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

class EverywhereEnvironmentTest : public testing::Test {
 protected:
  // Three leaves under a top node.
  EverywhereEnvironmentTest() : nodes_(xarray::NodeCache::Create().value()), array_(*nodes_) {
    for (uint64_t index = 0; index < 192; index += 4) EXPECT_TRUE(array_.Store(index, ValueEntry(index)).ok());
  }
  const Node* LeafOf(uint64_t index) { return ArrayCorePeer::NodeAt(array_, index, 1); }
  // Nodes moved at `point` so far.
  static uint64_t MovedAt(const char* point) { return EverywhereEnvironment::Counts()[point].nodes; }

  std::unique_ptr<xarray::NodeCache> nodes_;
  ArrayCore array_;
};

TEST_F(EverywhereEnvironmentTest, EveryNodeMovesBehindEachWrite) {
  const Node* const top = ArrayCorePeer::NodeAt(array_, 0, 2);
  const Node* const leaf = LeafOf(70);
  const uint64_t before = MovedAt("array.unlocked");
  array_.SetMark(0, Mark::k0);
  EXPECT_NE(ArrayCorePeer::NodeAt(array_, 0, 2), top);
  EXPECT_NE(LeafOf(70), leaf);
  EXPECT_EQ(MovedAt("array.unlocked"), before + 4);
  array_.Erase(0);
  EXPECT_EQ(MovedAt("array.unlocked"), before + 8);
}

TEST_F(EverywhereEnvironmentTest, EveryNodeMovesBeforeEachStepOfACursor) {
  const reclaim::ReadSection section;
  Cursor cursor(array_, 0);
  const uint64_t before = MovedAt("cursor.step");
  for (uint64_t index = 0; index < 192; index += 4) {
    const Node* const leaf = LeafOf(100);
    ASSERT_EQ(cursor.Next(kLast), ValueEntry(index));
    ASSERT_NE(LeafOf(100), leaf);
  }
  EXPECT_GE(MovedAt("cursor.step"), before + 48 * 4);
}

TEST_F(EverywhereEnvironmentTest, AWalkThatBeginsAgainComesToItsEnd) {
  for (uint64_t index = 0; index < 192; index += 8) ASSERT_TRUE(array_.SetMark(index, Mark::k1));
  const reclaim::ReadSection section;
  Cursor cursor(array_, kLast);
  for (uint64_t index = 184; index != uint64_t{0} - 8; index -= 8) {
    ASSERT_EQ(cursor.PrevMarked(Mark::k1, 0), ValueEntry(index));
  }
  EXPECT_EQ(cursor.PrevMarked(Mark::k1, 0), kNull);
  for (const char* const point : {"cursor.head", "cursor.look", "cursor.mark_seen", "cursor.entry_seen"}) {
    EXPECT_GT(MovedAt(point), 0u) << point;
  }
}

TEST_F(EverywhereEnvironmentTest, NothingMovesUnderALock) {
  const Node* const leaf = LeafOf(0);
  xarray::LockedArray locked(array_);
  ASSERT_TRUE(locked.Store(1, ValueEntry(1)).ok());
  ASSERT_TRUE(locked.SetMark(1, Mark::k2));
  EXPECT_EQ(LeafOf(0), leaf);
}

// In each of their kinds: where an operation has dropped the lock, and where a reader looks twice.
TEST_F(EverywhereEnvironmentTest, NodesMoveInsideOperations) {
  ASSERT_TRUE(array_.StoreOrder(4096, 8, ValueEntry(1), [](uint64_t, Entry) {}).ok());
  ASSERT_TRUE(array_.Split(4096, 1).ok());
  EXPECT_EQ(array_.Load(4101), ValueEntry(1));
  EXPECT_EQ(array_.GetOrder(4096), 1u);
  EXPECT_FALSE(array_.GetMark(4096, Mark::k0));
  ASSERT_TRUE(array_.EraseRange(3, 4500, [](uint64_t, Entry) {}).ok());
  for (const char* const point : {"split.unlocked_fill", "erase_range.unlocked", "node.sibling_seen",
                                  "get_order.entry_seen", "get_mark.slot_seen"}) {
    EXPECT_GT(MovedAt(point), 0u) << point;
  }
}

}  // namespace
}  // namespace mxa::tests
