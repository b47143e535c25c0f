// SPDX-License-Identifier: Apache-2.0
//
// The mover against writers, readers and destroyers in exact schedules; and each planted bug is noticed in its
// schedule.
//
// A schedule is a function that returns the violation it saw. Green it sees none; with its bug planted it must see one.
#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/synchronization/notification.h"
#include "absl/types/span.h"
#include "base/planted_bug.h"
#include "gtest/gtest.h"
#include "reclaim/movable.h"
#include "reclaim/rcu.h"
#include "tests/support/array_core_peer.h"
#include "tests/support/interleaver.h"
#include "tests/support/move_node.h"
#include "tests/support/thread_group.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/detach.h"
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

void ExpectCaught(PlantedBug bug, const std::function<absl::Status()>& schedule) {
  PlantBugForTest(bug);
  const absl::Status violation = schedule();
  const int runs = PlantedBugRunsForTest();
  PlantBugForTest(PlantedBug::kNone);
  EXPECT_GT(runs, 0) << "the bug never ran";
  EXPECT_FALSE(violation.ok()) << "the bug was not noticed";
}

// A thread that moves the leaf of `index`, and how that ended.
class MoverThread {
 public:
  void Start(NodeCache& nodes, Node* node) {
    threads_.Start("mover", [this, &nodes, node] { result_ = MoveNode(nodes, node).result; });
  }
  MoveResult Join() {
    threads_.JoinAll();
    return *result_;
  }

 private:
  ThreadGroup threads_;
  std::optional<MoveResult> result_;
};

// 1. A reader stands in leaf v. 2. The mover moves v to n. 3. A writer overwrites the next index, in n. 4. The reader
//    goes on: it must
// see the new entry, though its cursor holds v.
absl::Status ReaderInTheOldCopy() {
  auto nodes = NodeCache::Create().value();
  ArrayCore array(*nodes);
  for (uint64_t index = 1; index <= 2; ++index) static_cast<void>(array.Store(index, ValueEntry(index)));
  reclaim::ReadSection section;
  Cursor cursor(array, 0);
  static_cast<void>(cursor.Next(kLast));
  if (MoveNode(*nodes, ArrayCorePeer::NodeAt(array, 1, 1)).result != MoveResult::kMoved)
    return absl::InternalError("did not move");
  static_cast<void>(array.Store(2, ValueEntry(3)));
  const Entry next = cursor.Next(kLast);
  return next == ValueEntry(3) ? absl::OkStatus()
                               : absl::InternalError("a read returned what had been overwritten before it began");
}

TEST(NodeMoverInterleaveTest, AReaderInTheOldCopyRestarts) { EXPECT_EQ(ReaderInTheOldCopy(), absl::OkStatus()); }
TEST(NodeMoverInterleaveTest, CatchesNoRetryAfterMove) {
  ExpectCaught(PlantedBug::kNoRetryAfterMove, &ReaderInTheOldCopy);
}

// 1. The mover has pinned the array and seen it as v's owner, and has not got the lock yet. 2. A writer erases v's last
//    entry: v leaves
// the tree. 3. The mover goes on: it must see, under the lock, that v is not the array's any more.
absl::Status OwnerChangesBetweenPinAndLock() {
  auto nodes = NodeCache::Create().value();
  ArrayCore array(*nodes);
  static_cast<void>(array.Store(5, ValueEntry(1)));
  Node* node = ArrayCorePeer::NodeAt(array, 5, 1);
  tests::NodeMove move = {};
  Interleaver interleaver;
  ThreadGroup mover;
  interleaver.Hold("mover.after_pin");
  interleaver.Hold("mover.after_unlock");
  mover.Start("mover", [&] { move = tests::MoveNodeOnly(*nodes, node); });
  interleaver.AwaitHeld("mover.after_pin");
  {
    // A pass's isolated slab keeps a dead node from being reset while the mover looks at it; here this section does.
    reclaim::ReadSection section;
    array.Erase(5);
    interleaver.Release("mover.after_pin");
    interleaver.AwaitHeld("mover.after_unlock");
  }
  interleaver.Release("mover.after_unlock");
  mover.JoinAll();
  const absl::Status status = CheckInvariants(array);
  if (move.result == MoveResult::kMoved) {
    // The copy of the dead node hangs in the head: out with it, or ending the array would walk it.
    ArrayCorePeer::SetHead(array, kNull);
    Detach(move.destination);
    nodes->Retire(move.destination);
    return status.ok() ? absl::InternalError("a dead node moved") : status;
  }
  return status;
}

// 1. The mover has pinned the array. 2. The destroyer retires all its nodes and waits for the pin. 3. The mover takes
//    the array lock,
// sees that the node is gone, and stands before unlocking. The array must not end before the mover has unlocked it.
absl::Status DestroyerWaitsForTheUnlock() {
  auto nodes = NodeCache::Create().value();
  ArrayCore array(*nodes);
  static_cast<void>(array.Store(5, ValueEntry(1)));
  std::atomic<bool> torn_down{false};
  bool ended_too_early = false;
  Interleaver interleaver;
  MoverThread mover;
  ThreadGroup destroyer;
  interleaver.Hold("mover.after_pin");
  interleaver.Hold("owner_pin.parking");
  interleaver.Hold("mover.before_unlock");
  mover.Start(*nodes, ArrayCorePeer::NodeAt(array, 5, 1));
  interleaver.AwaitHeld("mover.after_pin");
  destroyer.Start("destroyer", [&] {
    ArrayCorePeer::TearDown(array);
    torn_down = true;
  });
  interleaver.AwaitHeld("owner_pin.parking");
  interleaver.Release("owner_pin.parking");
  interleaver.Release("mover.after_pin");
  interleaver.AwaitHeld("mover.before_unlock");
  if (!nodes->mover().IsPinnedForTest(&array.anchor())) {
    // Nothing holds the destroyer back: it comes to its end while the mover still has the lock.
    destroyer.JoinAll();
    ended_too_early = torn_down;
  }
  interleaver.Release("mover.before_unlock");
  mover.Join();
  destroyer.JoinAll();
  return ended_too_early ? absl::InternalError("the array ended while the mover held its lock") : absl::OkStatus();
}

TEST(NodeMoverInterleaveTest, ANodeThatLeftBetweenPinAndLockStaysGone) {
  EXPECT_EQ(OwnerChangesBetweenPinAndLock(), absl::OkStatus());
}
TEST(NodeMoverInterleaveTest, CatchesNoOwnerRecheck) {
  ExpectCaught(PlantedBug::kNoOwnerRecheck, &OwnerChangesBetweenPinAndLock);
}
TEST(NodeMoverInterleaveTest, ADestroyerWaitsForTheUnlock) {
  EXPECT_EQ(DestroyerWaitsForTheUnlock(), absl::OkStatus());
}
TEST(NodeMoverInterleaveTest, CatchesHazardClearedEarly) {
  ExpectCaught(PlantedBug::kHazardClearedEarly, &DestroyerWaitsForTheUnlock);
}

// 1. The mover has read v's owner. 2. The array ends and its memory goes (ASan would tell). 3. The mover pins, looks
//    again, and must not
// touch the array.
TEST(NodeMoverInterleaveTest, AnArrayThatEndedBeforeThePinIsNotTouched) {
  auto nodes = NodeCache::Create().value();
  auto array = std::make_unique<ArrayCore>(*nodes);
  ASSERT_TRUE(array->Store(5, ValueEntry(1)).ok());
  Interleaver interleaver;
  interleaver.Hold("mover.before_pin");
  MoverThread mover;
  mover.Start(*nodes, ArrayCorePeer::NodeAt(*array, 5, 1));
  interleaver.AwaitHeld("mover.before_pin");
  array.reset();
  interleaver.Release("mover.before_pin");
  EXPECT_NE(mover.Join(), MoveResult::kMoved);
}

// 1. The mover stands with the lock held, the copy not yet published. 2. The array's destroyer comes. 3. The move goes
//    on, then the end:
// the moved node leaves with the others.
TEST(NodeMoverInterleaveTest, AnArrayMayEndDuringAMove) {
  auto nodes = NodeCache::Create().value();
  auto array = std::make_unique<ArrayCore>(*nodes);
  for (uint64_t index = 0; index < 200; ++index) ASSERT_TRUE(array->Store(index, ValueEntry(1)).ok());
  Interleaver interleaver;
  interleaver.Hold("mover.before_publish");
  MoverThread mover;
  ThreadGroup destroyer;
  mover.Start(*nodes, ArrayCorePeer::NodeAt(*array, 70, 1));
  interleaver.AwaitHeld("mover.before_publish");
  destroyer.Start("destroyer", [&] { array.reset(); });
  interleaver.Release("mover.before_publish");
  EXPECT_EQ(mover.Join(), MoveResult::kMoved);
  destroyer.JoinAll();
  nodes->slabs().FreeRcuBarrier();
  EXPECT_EQ(nodes->slabs().Stats().live, 0u);
}

// 1. The mover has moved one of an array's nodes, and keeps the array pinned for the next. 2. The destroyer retires all nodes: it
//    must wait. 3. The mover passes by the next node, which is gone, and lets go of the array.
TEST(NodeMoverInterleaveTest, ADestroyerWaitsForAPinThatStaysForTheNextNode) {
  auto nodes = NodeCache::Create().value();
  auto array = std::make_unique<ArrayCore>(*nodes);
  ASSERT_TRUE(array->Store(5, ValueEntry(1)).ok());
  ASSERT_TRUE(array->Store(70, ValueEntry(2)).ok());
  void* objects[] = {ArrayCorePeer::NodeAt(*array, 5, 1), ArrayCorePeer::NodeAt(*array, 70, 1)};
  void* const destinations[] = {nodes->slabs().Allocate(), nodes->slabs().Allocate()};
  reclaim::MoveTarget target(destinations);
  Interleaver interleaver;
  ThreadGroup threads;
  ThreadGroup reader;
  absl::Notification inside;
  absl::Notification done;
  // The pass's isolated slab keeps a dead node from being reset while the mover looks at it; here this section does.
  reader.Start("reader", [&] {
    reclaim::ReadSection section;
    inside.Notify();
    done.WaitForNotification();
  });
  inside.WaitForNotification();
  interleaver.Hold("mover.after_unlock");
  interleaver.Hold("owner_pin.parking");
  threads.Start("mover", [&] { nodes->mover().Reclaim(absl::MakeSpan(objects), target); });
  interleaver.AwaitHeld("mover.after_unlock");
  threads.Start("destroyer", [&] { array.reset(); });
  interleaver.AwaitHeld("owner_pin.parking");
  interleaver.Release("owner_pin.parking");
  interleaver.Release("mover.after_unlock");
  threads.JoinAll();
  done.Notify();
  reader.JoinAll();
  EXPECT_EQ(target.results()[static_cast<size_t>(MoveResult::kMoved)], 1u);
  EXPECT_EQ(target.results()[static_cast<size_t>(MoveResult::kGone)], 1u);
  nodes->Retire(static_cast<Node*>(objects[0]));
  nodes->slabs().Free(destinations[1]);
  nodes->slabs().FreeRcuBarrier();
  EXPECT_EQ(nodes->slabs().Stats().live, 0u);
}

// Readers at every point between the steps: the same entries, old copy or new.
TEST(NodeMoverInterleaveTest, ReadersSeeTheSameAtEveryStep) {
  for (const char* point :
       {"mover.before_pin", "mover.after_pin", "mover.before_publish", "mover.after_publish", "detach.before_retry",
        "detach.before_owner", "mover.before_unlock", "mover.after_unlock"}) {
    for (unsigned height = 1; height <= 3; ++height) {
      auto nodes = NodeCache::Create().value();
      ArrayCore array(*nodes);
      for (uint64_t index = 0; index < 5000; index += 50) ASSERT_TRUE(array.Store(index, ValueEntry(index)).ok());
      array.SetMark(4000, Mark::k0);
      Interleaver interleaver;
      interleaver.Hold(point);
      MoverThread mover;
      {
        reclaim::ReadSection section;  // one cursor began before the move, one begins in the middle of it
        Cursor before(array, 0);
        for (uint64_t index = 0; index < 4000; index += 50) ASSERT_EQ(before.Next(kLast), ValueEntry(index));
        mover.Start(*nodes, ArrayCorePeer::NodeAt(array, 4000, height));
        interleaver.AwaitHeld(point);
        Cursor amid(array, 0);
        for (uint64_t index = 0; index < 5000; index += 50) {
          ASSERT_EQ(array.Load(index), ValueEntry(index)) << point;
          ASSERT_EQ(amid.Next(kLast), ValueEntry(index)) << point;
          if (index >= 4000) {
            ASSERT_EQ(before.Next(kLast), ValueEntry(index)) << point;
          }
        }
        ASSERT_TRUE(array.GetMark(4000, Mark::k0)) << point;
        Cursor marked(array, 0);
        ASSERT_EQ(marked.NextMarked(Mark::k0, kLast), ValueEntry(4000)) << point;
      }
      interleaver.Release(point);
      ASSERT_EQ(mover.Join(), MoveResult::kMoved);
      ASSERT_EQ(CheckInvariants(array), absl::OkStatus());
    }
  }
}

// 1. A writer takes the top away, and stands before it poisons it. 2. A reader's cursor, which came in by the old top,
//    goes on up
// through it. 3. So does one that begins now.
TEST(NodeMoverInterleaveTest, ShrinkingIsSeenWholeByReaders) {
  auto nodes = NodeCache::Create().value();
  ArrayCore array(*nodes);
  for (const uint64_t index : {uint64_t{1}, uint64_t{70}, uint64_t{9000}})
    ASSERT_TRUE(array.Store(index, ValueEntry(index)).ok());
  Interleaver interleaver;
  ThreadGroup writer;
  {
    reclaim::ReadSection section;
    Cursor before(array, 0);
    ASSERT_EQ(before.Next(kLast), ValueEntry(1));
    interleaver.Hold("detach.before_retry");
    writer.Start("writer", [&] { array.Erase(9000); });
    interleaver.AwaitHeld("detach.before_retry");
    Cursor amid(array, 0);
    for (const uint64_t index : {uint64_t{1}, uint64_t{70}}) {
      EXPECT_EQ(array.Load(index), ValueEntry(index));
      EXPECT_EQ(amid.Next(kLast), ValueEntry(index));
    }
    EXPECT_EQ(amid.Next(kLast), kNull);
    EXPECT_EQ(array.Load(9000), kNull);
    EXPECT_EQ(before.Next(kLast), ValueEntry(70));
    EXPECT_EQ(before.Next(kLast), kNull);
  }
  interleaver.Release("detach.before_retry");
  writer.JoinAll();
  EXPECT_EQ(CheckInvariants(array), absl::OkStatus());
}

}  // namespace
}  // namespace mxa::xarray
