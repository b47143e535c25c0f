// SPDX-License-Identifier: Apache-2.0
//
// The mover, one node and one thread at a time: what moves, what does not, and what a reader inside a moved node sees.
#include "xarray/node_mover.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/movable.h"
#include "reclaim/rcu.h"
#include "tests/support/array_core_peer.h"
#include "tests/support/move_node.h"
#include "tests/support/thread_group.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/dump.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

using reclaim::MoveResult;
using tests::MoveNode;

constexpr uint64_t kLast = ~uint64_t{0};

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

class NodeMoverTest : public testing::Test {
 protected:
  ~NodeMoverTest() override { EXPECT_EQ(CheckInvariants(array_), absl::OkStatus()) << Dump(array_); }

  void Put(uint64_t index) { ASSERT_TRUE(array_.Store(index, ValueEntry(index & 0xffff)).ok()); }
  MoveResult Move(uint64_t index, unsigned height) {
    return MoveNode(*nodes_, ArrayCorePeer::NodeAt(array_, index, height)).result;
  }

  std::unique_ptr<NodeCache> nodes_ = NodeCache::Create().value();
  ArrayCore array_{*nodes_};
};

TEST_F(NodeMoverTest, MovesANodeOfEveryHeightUnderACursor) {
  const std::vector<uint64_t> indices = {0, 1, 63, 64, 5000, uint64_t{1} << 32, kLast - 1, kLast};
  for (const uint64_t index : indices) Put(index);
  for (unsigned height = 1; height <= kMaxHeight; ++height) {
    for (size_t stop = 0; stop <= indices.size(); ++stop) {
      reclaim::ReadSection section;
      Cursor cursor(array_, 0);
      for (size_t i = 0; i < indices.size(); ++i) {
        if (i == stop) {
          for (const uint64_t index : {uint64_t{0}, indices[i]}) {
            Node* node = ArrayCorePeer::NodeAt(array_, index, height);
            const tests::NodeMove move = MoveNode(*nodes_, node);
            ASSERT_EQ(move.result, MoveResult::kMoved);
            ASSERT_EQ(ArrayCorePeer::NodeAt(array_, index, height), move.destination);
            ASSERT_TRUE(node->IsRetired());
          }
          ASSERT_EQ(CheckInvariants(array_), absl::OkStatus()) << Dump(array_);
        }
        ASSERT_EQ(cursor.Next(kLast), ValueEntry(indices[i] & 0xffff)) << "height " << height << ", moved at " << stop;
        ASSERT_EQ(cursor.index(), indices[i]);
      }
      ASSERT_EQ(cursor.Next(kLast), kNull);
    }
  }
}

TEST_F(NodeMoverTest, MarksMoveAlong) {
  Put(3);
  Put(70);
  array_.SetMark(70, Mark::k1);
  EXPECT_EQ(Move(70, 1), MoveResult::kMoved);
  EXPECT_EQ(Move(70, 2), MoveResult::kMoved);
  EXPECT_TRUE(array_.GetMark(70, Mark::k1));
  array_.ClearMark(70, Mark::k1);
  EXPECT_FALSE(array_.HasMarked(Mark::k1));
}

// Without the look at the owner behind the mark word, the old copy's empty word would hide the mark.
TEST_F(NodeMoverTest, MarkedWalkDoesNotBelieveAMovedNode) {
  Put(1);
  Put(2);
  array_.SetMark(1, Mark::k0);
  reclaim::ReadSection section;
  Cursor cursor(array_, 0);
  EXPECT_EQ(cursor.NextMarked(Mark::k0, kLast), ValueEntry(1));
  EXPECT_EQ(Move(1, 1), MoveResult::kMoved);
  array_.SetMark(2, Mark::k0);
  EXPECT_EQ(cursor.NextMarked(Mark::k0, kLast), ValueEntry(2));
}

TEST_F(NodeMoverTest, IsBusyWhileTheLockIsHeld) {
  Put(5);
  Node* node = ArrayCorePeer::NodeAt(array_, 5, 1);
  {
    ArrayLock lock(array_.anchor());
    EXPECT_EQ(MoveNode(*nodes_, node).result, MoveResult::kBusy);
  }
  EXPECT_FALSE(nodes_->mover().IsPinnedForTest(&array_.anchor()));
  EXPECT_EQ(MoveNode(*nodes_, node).result, MoveResult::kMoved);
}

TEST_F(NodeMoverTest, NothingIsPinnedWhileThePassRests) {
  Put(5);
  Put(70);
  struct Resting final : reclaim::Pacer {
    bool IsDue(uint64_t) const override { return true; }
    void Offer() override {
      ++offers;
      is_pinned |= mover->IsPinnedForTest(anchor);
    }
    const NodeMover* mover = nullptr;
    const ArrayAnchor* anchor = nullptr;
    int offers = 0;
    bool is_pinned = false;
  } resting;
  resting.mover = &nodes_->mover();
  resting.anchor = &array_.anchor();
  void* objects[] = {ArrayCorePeer::NodeAt(array_, 5, 1), ArrayCorePeer::NodeAt(array_, 70, 1)};
  void* const destinations[] = {nodes_->slabs().Allocate(), nodes_->slabs().Allocate()};
  reclaim::MoveTarget target(destinations, nullptr, &resting);
  nodes_->mover().Reclaim(absl::MakeSpan(objects), target);
  EXPECT_EQ(target.moved().size(), 2u);
  EXPECT_EQ(resting.offers, 2);
  EXPECT_FALSE(resting.is_pinned);
  EXPECT_FALSE(nodes_->mover().IsPinnedForTest(&array_.anchor()));
  for (void* object : objects) nodes_->Retire(static_cast<Node*>(object));
}

TEST_F(NodeMoverTest, ANodeWithoutAnOwnerIsBusy) {
  Node* node = nodes_->Allocate(slab::AllocFlags::kNone);
  EXPECT_EQ(MoveNode(*nodes_, node).result, MoveResult::kBusy);
  void* objects[] = {node};
  EXPECT_TRUE(nodes_->mover().CanFree(absl::MakeSpan(objects)));
  EXPECT_EQ(objects[0], nullptr);
  nodes_->Free(node);
}

TEST_F(NodeMoverTest, ARetiredNodeIsGone) {
  Put(5);
  Node* node = ArrayCorePeer::NodeAt(array_, 5, 1);
  reclaim::ReadSection section;
  array_.Erase(5);
  EXPECT_EQ(MoveNode(*nodes_, node).result, MoveResult::kGone);
  void* objects[] = {node};
  EXPECT_TRUE(nodes_->mover().CanFree(absl::MakeSpan(objects)));
  EXPECT_EQ(objects[0], nullptr);
}

TEST_F(NodeMoverTest, CanFreeKeepsWhatIsInATree) {
  Put(5);
  void* objects[] = {nullptr, ArrayCorePeer::NodeAt(array_, 5, 1)};
  EXPECT_TRUE(nodes_->mover().CanFree(absl::MakeSpan(objects)));
  EXPECT_NE(objects[1], nullptr);
}

TEST_F(NodeMoverTest, SettlesEverythingBusyWhenOnlyUnpinning) {
  Put(5);
  Put(70);
  void* objects[] = {ArrayCorePeer::NodeAt(array_, 5, 1), nullptr, ArrayCorePeer::NodeAt(array_, 70, 1)};
  const std::atomic<bool> cancelled{true};
  reclaim::MoveTarget target({}, &cancelled);
  nodes_->mover().Reclaim(absl::MakeSpan(objects), target);
  EXPECT_EQ(target.results()[static_cast<size_t>(MoveResult::kBusy)], 2u);
  EXPECT_TRUE(target.moved().empty());
}

TEST_F(NodeMoverTest, StopsWhenItHasNoDestination) {
  Put(5);
  Put(70);
  void* objects[] = {ArrayCorePeer::NodeAt(array_, 5, 1), ArrayCorePeer::NodeAt(array_, 70, 1)};
  void* const destinations[] = {nodes_->slabs().Allocate()};
  reclaim::MoveTarget target(destinations);
  nodes_->mover().Reclaim(absl::MakeSpan(objects), target);
  EXPECT_EQ(target.results()[static_cast<size_t>(MoveResult::kMoved)], 1u);
  EXPECT_EQ(target.results()[static_cast<size_t>(MoveResult::kBusy)], 1u);
  ASSERT_EQ(target.moved().size(), 1u);
  nodes_->Retire(static_cast<Node*>(target.moved()[0]));
}

// By this the mover, after a move, lets a writer go first.
TEST_F(NodeMoverTest, SeesThatAWriterWaits) {
  Put(5);
  tests::ThreadGroup threads;
  {
    ArrayLock lock(array_.anchor());
    EXPECT_FALSE(array_.anchor().HasWaiters());
    threads.Start("writer", [&] { array_.Erase(5); });
    while (!array_.anchor().HasWaiters()) std::this_thread::yield();
  }
  threads.JoinAll();
  EXPECT_FALSE(array_.anchor().HasWaiters());
}

TEST_F(NodeMoverTest, ReportsTheLongestLock) {
  Put(5);
  nodes_->mover().ResetLongestLock();
  EXPECT_EQ(nodes_->mover().LongestLockNs(), 0u);
  EXPECT_EQ(Move(5, 1), MoveResult::kMoved);
  EXPECT_GT(nodes_->mover().LongestLockNs(), 0u);
  nodes_->mover().ResetLongestLock();
  {
    ArrayLock lock(array_.anchor());
    EXPECT_EQ(MoveNode(*nodes_, ArrayCorePeer::NodeAt(array_, 5, 1)).result, MoveResult::kBusy);
  }
  EXPECT_EQ(nodes_->mover().LongestLockNs(), 0u) << "nothing was locked";
}

TEST_F(NodeMoverTest, APassMovesEverythingAndReadersSeeTheSame) {
  for (uint64_t index = 0; index < 20000; ++index) Put(index);
  slab::CompactOptions options;
  options.mode = slab::CompactOptions::Mode::kMoveEverything;
  const auto stats = nodes_->slabs().Compact(options);
  ASSERT_TRUE(stats.ok()) << stats.status();
  EXPECT_GT(stats->objects_moved, 300u);
  for (uint64_t index = 0; index < 20000; ++index) ASSERT_EQ(array_.Load(index), ValueEntry(index & 0xffff));
  EXPECT_EQ(nodes_->slabs().CheckInvariants(), absl::OkStatus());
}

}  // namespace
}  // namespace mxa::xarray
