// SPDX-License-Identifier: Apache-2.0
//
// Schedules of the mover against writers and destroyers that node_mover_interleave_test.cc has in the other order; and a
// growing tree against cursors.
//
// Property: nothing that is stored or erased during a move is lost; an array's end waits for the pin exactly as long as it is
// there, whichever of its steps the unpinning falls between; a cursor meets a new entry when a load does, and not before.
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/array_core_peer.h"
#include "tests/support/interleaver.h"
#include "tests/support/move_node.h"
#include "tests/support/thread_group.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

using reclaim::MoveResult;
using tests::Interleaver;
using tests::MoveNode;
using tests::ThreadGroup;

constexpr uint64_t kLast = ~uint64_t{0};

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

class MoverWriterInterleaveTest : public testing::Test {
 protected:
  MoverWriterInterleaveTest() : nodes_(NodeCache::Create().value()), array_(std::make_unique<ArrayCore>(*nodes_)) {}

  void StartMove(uint64_t index) {
    threads_.Start(
        "mover", [this, node = ArrayCorePeer::NodeAt(*array_, index, 1)] { moved_ = MoveNode(*nodes_, node).result; });
  }
  // 1. The mover stands with the lock, the copy not yet published. 2. A writer comes, and waits. 3. The move goes on.
  template <typename Write>
  void DuringAMove(uint64_t index, const Write& write) {
    Interleaver interleaver;
    interleaver.Hold("mover.before_publish");
    StartMove(index);
    interleaver.AwaitHeld("mover.before_publish");
    std::atomic<bool> has_written{false};
    threads_.Start("writer", [&] {
      write();
      has_written = true;
    });
    while (!array_->anchor().HasWaiters() && !has_written) std::this_thread::yield();
    EXPECT_FALSE(has_written) << "the mover let go of the lock in the middle";
    interleaver.Release("mover.before_publish");
    threads_.JoinAll();
    EXPECT_EQ(moved_, MoveResult::kMoved);
    EXPECT_EQ(CheckInvariants(*array_), absl::OkStatus());
  }

  std::unique_ptr<NodeCache> nodes_;
  std::unique_ptr<ArrayCore> array_;
  ThreadGroup threads_;
  MoveResult moved_ = MoveResult::kBusy;
};

TEST_F(MoverWriterInterleaveTest, AStoreDuringAMoveIsNotLost) {
  for (uint64_t index = 0; index < 200; ++index) ASSERT_TRUE(array_->Store(index, ValueEntry(1)).ok());
  DuringAMove(70, [&] { ASSERT_TRUE(array_->Store(70, ValueEntry(2)).ok()); });
  EXPECT_EQ(array_->Load(70), ValueEntry(2));
  EXPECT_EQ(array_->Load(71), ValueEntry(1));
}

TEST_F(MoverWriterInterleaveTest, ANodeThatIsEmptiedDuringItsMoveLeavesAsTheCopy) {
  ASSERT_TRUE(array_->Store(1, ValueEntry(1)).ok());
  ASSERT_TRUE(array_->Store(70, ValueEntry(1)).ok());
  DuringAMove(70, [&] { EXPECT_EQ(array_->Erase(70), ValueEntry(1)); });
  EXPECT_EQ(array_->Load(70), kNull);
  nodes_->slabs().FreeRcuBarrier();
  EXPECT_EQ(nodes_->slabs().Stats().live, 1u);  // the leaf of index 1, which is the top again
}

// 1. The mover has pinned the array. 2. The end has seen the pin, and has not said yet that it waits. 3. The mover unpins,
//    and wakes nobody. 4. The end must look again before it parks.
TEST_F(MoverWriterInterleaveTest, AnEndThatComesUponTheUnpinningDoesNotPark) {
  ASSERT_TRUE(array_->Store(5, ValueEntry(1)).ok());
  Interleaver interleaver;
  interleaver.Hold("mover.after_pin");
  interleaver.Hold("owner_pin.found_pinned");
  ThreadGroup mover;
  mover.Start("mover",
              [this, node = ArrayCorePeer::NodeAt(*array_, 5, 1)] { moved_ = MoveNode(*nodes_, node).result; });
  interleaver.AwaitHeld("mover.after_pin");
  threads_.Start("destroyer", [this] { array_.reset(); });
  interleaver.AwaitHeld("owner_pin.found_pinned");
  interleaver.Release("mover.after_pin");
  mover.JoinAll();
  EXPECT_EQ(moved_, MoveResult::kGone);
  interleaver.Release("owner_pin.found_pinned");
  threads_.JoinAll();
}

// 1. The mover has pinned the array. 2. The end has looked once more and is about to park. 3. The mover unpins: its signal
//    must not come before the end can hear it.
TEST_F(MoverWriterInterleaveTest, AnEndThatIsAboutToParkIsWoken) {
  ASSERT_TRUE(array_->Store(5, ValueEntry(1)).ok());
  const ArrayAnchor* const anchor = &array_->anchor();
  Interleaver interleaver;
  interleaver.Hold("mover.after_pin");
  interleaver.Hold("owner_pin.parking");
  StartMove(5);
  interleaver.AwaitHeld("mover.after_pin");
  threads_.Start("destroyer", [this] { array_.reset(); });
  interleaver.AwaitHeld("owner_pin.parking");
  interleaver.Release("mover.after_pin");
  while (nodes_->mover().IsPinnedForTest(anchor)) std::this_thread::yield();
  interleaver.Release("owner_pin.parking");
  threads_.JoinAll();
  EXPECT_EQ(moved_, MoveResult::kGone);
}

// 1. A writer has built what covers the new index, with the old top below it. 2. A cursor in the old top goes on: it must
//    not go up into what a load cannot find yet.
TEST_F(MoverWriterInterleaveTest, ACursorInTheOldTopDoesNotMeetWhatIsNotPublished) {
  ASSERT_TRUE(array_->Store(1, ValueEntry(1)).ok());
  Interleaver interleaver;
  {
    const reclaim::ReadSection section;
    Cursor cursor(*array_, 0);
    ASSERT_EQ(cursor.Next(kLast), ValueEntry(1));
    interleaver.Hold("store.before_grow");
    threads_.Start("writer", [this] { ASSERT_TRUE(array_->Store(70, ValueEntry(2)).ok()); });
    interleaver.AwaitHeld("store.before_grow");
    EXPECT_EQ(array_->Load(70), kNull);
    EXPECT_EQ(cursor.Next(kLast), kNull);
  }
  interleaver.Release("store.before_grow");
  threads_.JoinAll();
  EXPECT_EQ(array_->Load(70), ValueEntry(2));
}

// 1. The new top is in the head, and the old one does not know of it yet. 2. A cursor in the old top goes on: it must find
//    what a load finds.
TEST_F(MoverWriterInterleaveTest, ACursorInTheOldTopMeetsWhatIsPublished) {
  ASSERT_TRUE(array_->Store(1, ValueEntry(1)).ok());
  Interleaver interleaver;
  {
    const reclaim::ReadSection section;
    Cursor cursor(*array_, 0);
    ASSERT_EQ(cursor.Next(kLast), ValueEntry(1));
    interleaver.Hold("store.grown");
    threads_.Start("writer", [this] { ASSERT_TRUE(array_->Store(70, ValueEntry(2)).ok()); });
    interleaver.AwaitHeld("store.grown");
    EXPECT_EQ(array_->Load(70), ValueEntry(2));
    EXPECT_EQ(cursor.Next(kLast), ValueEntry(2));
    EXPECT_EQ(cursor.Next(kLast), kNull);
  }
  interleaver.Release("store.grown");
  threads_.JoinAll();
}

}  // namespace
}  // namespace mxa::xarray
