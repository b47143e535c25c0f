// SPDX-License-Identifier: Apache-2.0
//
// Walks of every kind against movers and writers in exact schedules: a node is replaced between two steps, an entry
// between two looks of one step.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/array_core_peer.h"
#include "tests/support/interleaver.h"
#include "tests/support/move_node.h"
#include "tests/support/thread_group.h"
#include "xarray/array_core.h"
#include "xarray/count_marked.h"
#include "xarray/cursor.h"
#include "xarray/node_cache.h"
#include "xarray/pause_interval.h"
#include "xarray/range.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

using tests::Interleaver;
using tests::ThreadGroup;

constexpr uint64_t kLast = ~uint64_t{0};

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

// A walk that must give these values, in this order, and then end.
struct Expectation {
  std::string name;
  Cursor cursor;
  std::function<Entry(Cursor&)> step;
  std::vector<Entry> rest;

  void TakeSteps(size_t count) {
    for (; count > 0 && !rest.empty(); --count) {
      ASSERT_EQ(step(cursor), rest.front()) << name << ", at " << cursor.index();
      rest.erase(rest.begin());
    }
  }
};

// Of an array with an entry at every 50th index below 5000, every 1000th marked.
std::vector<Expectation> EveryWalk(const ArrayCore& array) {
  std::vector<Entry> all, marked, unmarked, places;
  for (uint64_t index = 3500; index < 4500; ++index) places.push_back(index % 50 == 0 ? ValueEntry(index) : kNull);
  for (uint64_t index = 0; index < 5000; index += 50) {
    all.push_back(ValueEntry(index));
    (index % 1000 == 0 ? marked : unmarked).push_back(ValueEntry(index));
  }
  const auto reversed = [](std::vector<Entry> entries) { return std::vector<Entry>(entries.rbegin(), entries.rend()); };
  for (std::vector<Entry>* entries : {&all, &marked, &unmarked}) entries->push_back(kNull);  // the end
  std::vector<Expectation> walks;
  const MarkFilter without = MarkFilter().Without(Mark::k0);
  walks.push_back({"Next", Cursor(array, 0), [](Cursor& c) { return c.Next(kLast); }, all});
  walks.push_back({"NextMarked", Cursor(array, 0), [](Cursor& c) { return c.NextMarked(Mark::k0, kLast); }, marked});
  walks.push_back(
      {"NextMatching", Cursor(array, 0), [=](Cursor& c) { return c.NextMatching(without, kLast); }, unmarked});
  walks.push_back({"NextIndex", Cursor(array, 3500), [](Cursor& c) { return c.NextIndex(); }, places});
  for (std::vector<Entry>* entries : {&all, &marked, &unmarked}) entries->pop_back();
  std::vector<Entry> down = reversed(all), down_marked = reversed(marked), down_unmarked = reversed(unmarked);
  for (std::vector<Entry>* entries : {&down, &down_marked, &down_unmarked}) entries->push_back(kNull);
  walks.push_back({"Prev", Cursor(array, kLast), [](Cursor& c) { return c.Prev(0); }, down});
  walks.push_back(
      {"PrevMarked", Cursor(array, kLast), [](Cursor& c) { return c.PrevMarked(Mark::k0, 0); }, down_marked});
  walks.push_back(
      {"PrevMatching", Cursor(array, kLast), [=](Cursor& c) { return c.PrevMatching(without, 0); }, down_unmarked});
  walks.push_back({"PrevIndex", Cursor(array, 4499), [](Cursor& c) { return c.PrevIndex(); }, reversed(places)});
  return walks;
}

// Walks that stand in the node that is moved, and such as begin now, meet the same at every point of a move.
TEST(WalkInterleaveTest, EveryWalkMeetsTheSameAtEveryStepOfAMove) {
  for (const char* point : {"mover.before_publish", "mover.after_publish", "detach.before_retry", "detach.before_owner",
                            "mover.before_unlock", "mover.after_unlock"}) {
    for (unsigned height = 1; height <= 3; ++height) {
      auto nodes = NodeCache::Create().value();
      ArrayCore array(*nodes);
      for (uint64_t index = 0; index < 5000; index += 50) {
        ASSERT_TRUE(array.Store(index, ValueEntry(index)).ok());
        if (index % 1000 == 0) array.SetMark(index, Mark::k0);
      }
      Node* node = ArrayCorePeer::NodeAt(array, 4000, height);
      Interleaver interleaver;
      ThreadGroup mover;
      {
        reclaim::ReadSection section;
        std::vector<Expectation> walks;
        // Some stand before, in, and behind the node.
        for (const size_t part : {19u, 20u, 50u, 80u}) {
          for (Expectation& walk : EveryWalk(array)) {
            walk.TakeSteps(walk.rest.size() * part / 100 + (part == 20 ? 1 : 0));
            walks.push_back(std::move(walk));
          }
        }
        interleaver.Hold(point);
        mover.Start("mover", [&] { EXPECT_EQ(tests::MoveNode(*nodes, node).result, reclaim::MoveResult::kMoved); });
        interleaver.AwaitHeld(point);
        for (Expectation& walk : EveryWalk(array)) walks.push_back(std::move(walk));
        for (Expectation& walk : walks) {
          SCOPED_TRACE(point);
          walk.TakeSteps(walk.rest.size());
          if (testing::Test::HasFatalFailure()) break;
        }
        EXPECT_EQ(CountMarked(array, Mark::k0, 0, kLast), 5u) << point;
        EXPECT_EQ(CountMarked(array, Mark::k0, 4000, 4000), 1u) << point;
      }
      interleaver.Release(point);
      mover.JoinAll();
      ASSERT_FALSE(testing::Test::HasFatalFailure());
      EXPECT_EQ(CheckInvariants(array), absl::OkStatus());
    }
  }
}

// 1. A writer takes the top away, and stands before it poisons it. 2. Walks that came in by the old top go on through
//    it, and others begin.
TEST(WalkInterleaveTest, ShrinkingIsSeenWholeByWalksDownAndByIndex) {
  auto nodes = NodeCache::Create().value();
  ArrayCore array(*nodes);
  for (const uint64_t index : {uint64_t{1}, uint64_t{70}, uint64_t{9000}})
    ASSERT_TRUE(array.Store(index, ValueEntry(index)).ok());
  Interleaver interleaver;
  ThreadGroup writer;
  {
    reclaim::ReadSection section;
    Cursor before(array, kLast);
    ASSERT_EQ(before.Prev(0), ValueEntry(9000));
    Cursor by_index(array, 9000);
    ASSERT_EQ(by_index.PrevIndex(), ValueEntry(9000));
    interleaver.Hold("detach.before_retry");
    writer.Start("writer", [&] { array.Erase(9000); });
    interleaver.AwaitHeld("detach.before_retry");
    Cursor amid(array, kLast);
    for (Cursor* cursor : {&before, &amid}) {
      EXPECT_EQ(cursor->Prev(0), ValueEntry(70));
      EXPECT_EQ(cursor->Prev(0), ValueEntry(1));
      EXPECT_EQ(cursor->Prev(0), kNull);
    }
    for (uint64_t index = 9000; index-- > 0;) {
      ASSERT_EQ(by_index.PrevIndex(), index == 70 || index == 1 ? ValueEntry(index) : kNull) << index;
    }
  }
  interleaver.Release("detach.before_retry");
  writer.JoinAll();
}

// One marked step in a thread of its own, held where asked.
class MarkedStep {
 public:
  MarkedStep(const ArrayCore& array, bool is_up) {
    reader_.Start("reader", [&array, is_up, this] {
      reclaim::ReadSection section;
      Cursor cursor(array, is_up ? 0 : kLast);
      met_ = is_up ? cursor.NextMarked(Mark::k0, kLast) : cursor.PrevMarked(Mark::k0, 0);
    });
  }
  Entry Join() {
    reader_.JoinAll();
    return *met_;
  }

 private:
  std::optional<Entry> met_;
  ThreadGroup reader_;
};

// 1. A reader sees that index 9 is marked. 2. A writer puts an unmarked entry in its place; the leaf stays. 3. The reader, which reads
//    that entry, must not take it for marked.
TEST(WalkInterleaveTest, AnUnmarkedEntryStoredAfterTheMarkWasReadIsNotMet) {
  for (const bool is_up : {true, false}) {
    auto nodes = NodeCache::Create().value();
    ArrayCore array(*nodes);
    for (const uint64_t index : {8, 9, 10}) ASSERT_TRUE(array.Store(index, ValueEntry(1)).ok());
    array.SetMark(9, Mark::k0);
    Interleaver interleaver;
    interleaver.Hold("cursor.mark_seen");
    MarkedStep step(array, is_up);
    interleaver.AwaitHeld("cursor.mark_seen");
    array.Erase(9);
    ASSERT_TRUE(array.Store(9, ValueEntry(2)).ok());
    interleaver.Release("cursor.mark_seen");
    EXPECT_EQ(step.Join(), kNull);
  }
}

// 1. and 2. as before. 3. The reader has read the unmarked entry. 4. A writer puts a marked one in
//    its place. 5. The reader, which sees that mark, must not take the unmarked one for marked.
TEST(WalkInterleaveTest, AnEntryIsNotMetByTheMarkOfTheNext) {
  for (const bool is_up : {true, false}) {
    auto nodes = NodeCache::Create().value();
    ArrayCore array(*nodes);
    for (const uint64_t index : {8, 9, 10}) ASSERT_TRUE(array.Store(index, ValueEntry(1)).ok());
    array.SetMark(9, Mark::k0);
    Interleaver interleaver;
    interleaver.Hold("cursor.mark_seen");
    interleaver.Hold("cursor.entry_seen");
    MarkedStep step(array, is_up);
    interleaver.AwaitHeld("cursor.mark_seen");
    array.Erase(9);
    ASSERT_TRUE(array.Store(9, ValueEntry(2)).ok());
    interleaver.Release("cursor.mark_seen");
    interleaver.AwaitHeld("cursor.entry_seen");
    array.Erase(9);
    ASSERT_TRUE(array.Store(9, ValueEntry(3)).ok());
    array.SetMark(9, Mark::k0);
    interleaver.Release("cursor.entry_seen");
    EXPECT_EQ(step.Join(), ValueEntry(3));
  }
}

// As before, for the entry in the head.
TEST(WalkInterleaveTest, AnEntryInTheHeadIsNotMetByTheMarkOfTheNext) {
  for (const bool is_up : {true, false}) {
    auto nodes = NodeCache::Create().value();
    ArrayCore array(*nodes);
    ASSERT_TRUE(array.Store(0, ValueEntry(1)).ok());
    Interleaver interleaver;
    interleaver.Hold("cursor.head_seen");
    MarkedStep step(array, is_up);
    interleaver.AwaitHeld("cursor.head_seen");
    array.Erase(0);
    ASSERT_TRUE(array.Store(0, ValueEntry(2)).ok());
    array.SetMark(0, Mark::k0);
    interleaver.Release("cursor.head_seen");
    EXPECT_EQ(step.Join(), ValueEntry(2));
  }
}

// 1. A reader has read an unmarked entry in the head. 2. A tree comes, in which another entry is marked. 3. The reader
//    reads the array's marks. 4. The tree goes. 5. The reader, which finds the same entry in the head, must not take the
//    tree's mark for that entry's.
TEST(WalkInterleaveTest, TheMarkOfATreeIsNotTheHeadEntrys) {
  for (const bool is_up : {true, false}) {
    auto nodes = NodeCache::Create().value();
    ArrayCore array(*nodes);
    ASSERT_TRUE(array.Store(0, ValueEntry(1)).ok());
    Interleaver interleaver;
    interleaver.Hold("cursor.head_seen");
    interleaver.Hold("cursor.head_marks_seen");
    MarkedStep step(array, is_up);
    interleaver.AwaitHeld("cursor.head_seen");
    ASSERT_TRUE(array.Store(70, ValueEntry(2)).ok());
    array.SetMark(70, Mark::k0);
    interleaver.Release("cursor.head_seen");
    interleaver.AwaitHeld("cursor.head_marks_seen");
    array.Erase(70);
    interleaver.Release("cursor.head_marks_seen");
    EXPECT_EQ(step.Join(), kNull);
  }
}

// 1. A range-for stands in a pause, outside any section. 2. The array is emptied and filled anew, but for the next
//    entry. 3. The loop must not hand out what it could only have read before the pause, nor go on in a node of then.
TEST(WalkInterleaveTest, ARangeReadsNothingAheadOfAPause) {
  for (const bool is_reversed : {false, true}) {
    auto nodes = NodeCache::Create().value();
    ArrayCore array(*nodes);
    constexpr uint64_t kEntries = 3 * kPauseInterval;
    for (uint64_t index = 0; index < kEntries; ++index) ASSERT_TRUE(array.Store(index, ValueEntry(1)).ok());
    const uint64_t next = is_reversed ? kEntries - 1 - kPauseInterval : kPauseInterval;
    Interleaver interleaver;
    ThreadGroup reader;
    uint64_t met = 0;
    interleaver.Hold("range.pause");
    reader.Start("reader", [&] {
      const XArrayRange<uint64_t> all(array, 0, kLast);
      for (auto [index, element] : is_reversed ? all.Reversed() : all) {
        EXPECT_NE(index, next);
        ++met;
      }
    });
    interleaver.AwaitHeld("range.pause");
    array.Clear();
    nodes->slabs().FreeRcuBarrier();  // returns: the loop holds nothing
    // The nodes that were freed come back in other places.
    ASSERT_TRUE(array.Store(uint64_t{1} << 40, ValueEntry(1)).ok());
    for (uint64_t index = kEntries; index-- > 0;) {
      if (index != next) {
        ASSERT_TRUE(array.Store(index, ValueEntry(1)).ok());
      }
    }
    array.Erase(uint64_t{1} << 40);
    interleaver.Release("range.pause");
    reader.JoinAll();
    EXPECT_EQ(met, kEntries - 1);
  }
}

// 1. A marked walk stands in a leaf whose mark it has read. 2. The leaf is moved and its entry unmarked in the copy. 3.
//    The reader must not believe the old leaf's word, which says marked for ever.
TEST(WalkInterleaveTest, TheMarksOfAMovedLeafAreNotBelieved) {
  for (const char* point : {"cursor.mark_seen", "cursor.entry_seen"}) {
    for (const bool is_up : {true, false}) {
      auto nodes = NodeCache::Create().value();
      ArrayCore array(*nodes);
      for (const uint64_t index : {8, 9, 10}) ASSERT_TRUE(array.Store(index, ValueEntry(1)).ok());
      array.SetMark(9, Mark::k0);
      Interleaver interleaver;
      interleaver.Hold(point);
      MarkedStep step(array, is_up);
      interleaver.AwaitHeld(point);
      ASSERT_EQ(tests::MoveNode(*nodes, ArrayCorePeer::NodeAt(array, 9, 1)).result, reclaim::MoveResult::kMoved);
      array.ClearMark(9, Mark::k0);
      interleaver.Release(point);
      EXPECT_EQ(step.Join(), kNull) << point;
    }
  }
}

TEST(WalkInterleaveTest, ANodeThatLeftDoesNotSayWhatIsNull) {
  std::unique_ptr<NodeCache> nodes = NodeCache::Create().value();
  ArrayCore array(*nodes);
  for (const bool up : {true, false}) {
    for (uint64_t index : {1, 60, 5000}) ASSERT_TRUE(array.Store(index, ValueEntry(index)).ok());
    ThreadGroup threads;
    Interleaver interleaver;
    interleaver.Hold("cursor.used_seen");
    Entry met = kRetry;
    threads.Start("reader", [&] {
      reclaim::ReadSection section;
      Cursor cursor(array, up ? 1 : 60);
      EXPECT_EQ(up ? cursor.Next(kLast) : cursor.Prev(0), ValueEntry(up ? 1 : 60));
      met = up ? cursor.Next(kLast) : cursor.Prev(0);
    });
    interleaver.AwaitHeld("cursor.used_seen");
    EXPECT_EQ(tests::MoveNode(*nodes, ArrayCorePeer::NodeAt(array, 1, 1)).result, reclaim::MoveResult::kMoved);
    ASSERT_TRUE(array.Store(40, ValueEntry(40)).ok());
    interleaver.Release("cursor.used_seen");
    threads.JoinAll();
    EXPECT_EQ(met, ValueEntry(40));
    array.Clear();
  }
}

}  // namespace
}  // namespace mxa::xarray
