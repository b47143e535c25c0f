// SPDX-License-Identifier: Apache-2.0
//
// The mover of values against readers, writers and the end of a map, one exact schedule a test.
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/synchronization/notification.h"
#include "base/schedule_point.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/interleaver.h"
#include "tests/support/move_value.h"
#include "tests/support/thread_group.h"
#include "xarray/locked_array.h"
#include "xarray/movable_map.h"
#include "xarray/node_cache.h"

namespace mxa::xarray {
namespace {

using reclaim::MoveResult;
using tests::Interleaver;
using tests::MoveObject;
using tests::ObjectMove;
using tests::ThreadGroup;
using tests::ValueAt;

// Torn if its words differ.
using Words = std::array<uint64_t, 12>;

Words All(uint64_t number) {
  Words words;
  words.fill(number);
  return words;
}

using Map = MovableMap<Words>;

class MovableMapInterleaveTest : public testing::Test {
 protected:
  void SetUp() override {
    for (uint64_t index = 0; index < 300; index += 3) ASSERT_TRUE(map_->Insert(index, All(index)).ok());
  }
  void TearDown() override {
    if (map_ != nullptr) {
      EXPECT_EQ(map_->CheckInvariants(), absl::OkStatus());
    }
  }

  // Starts to move the value at `index` of `map`; the old place, if it moved, is the test's to give back.
  void StartMove(const Map& map, uint64_t index) {
    from_ = ValueAt(map.core(), index);
    done_ = std::make_shared<absl::Notification>();
    mover_.Start("mover", [this, done = done_, from = from_] {
      move_ = MoveObject(values_->mover(), values_->slabs(), from);
      done->Notify();
    });
  }
  // May be called inside a section.
  MoveResult FinishMove() {
    done_->WaitForNotification();
    return move_.result;
  }
  void GiveBackOldPlace() {
    if (move_.result != MoveResult::kMoved) return;
    EXPECT_EQ(from_->owner(), RetiredMap());
    reclaim::Synchronize();
    values_->Free(from_);
  }

  std::unique_ptr<ValueCache> values_ = Map::CreateCache().value();
  std::unique_ptr<NodeCache> nodes_ = NodeCache::Create().value();
  std::unique_ptr<Map> map_ = std::make_unique<Map>(*values_, *nodes_);
  MapValue* from_ = nullptr;
  ObjectMove move_ = {};
  std::shared_ptr<absl::Notification> done_;
  ThreadGroup mover_;
};

TEST_F(MovableMapInterleaveTest, AMovedValueIsTheSameElsewhere) {
  ASSERT_TRUE(map_->SetMark(30, Mark::k1));
  StartMove(*map_, 30);
  ASSERT_EQ(FinishMove(), MoveResult::kMoved);
  EXPECT_EQ(ValueAt(map_->core(), 30), move_.destination);
  EXPECT_EQ(map_->Get(30), All(30));
  EXPECT_TRUE(map_->GetMark(30, Mark::k1));
  EXPECT_EQ(values_->mover().IsPinnedForTest(&map_->core()), false);
  GiveBackOldPlace();
}

// Lookups and walks at every point between the steps, by who came before the move and who comes in the middle of it.
TEST_F(MovableMapInterleaveTest, ReadersSeeTheSameAtEveryStep) {
  for (const char* point : {"value_mover.before_pin", "value_mover.after_pin", "value_mover.before_publish",
                            "value_mover.after_publish", "value_mover.before_unpin"}) {
    Interleaver interleaver;
    interleaver.Hold(point);
    {
      reclaim::ReadSection section;
      const Words* before = map_->Find(30);
      MovableMapCursor<Words> cursor(*map_, 0);
      for (uint64_t index = 0; index < 30; index += 3) ASSERT_EQ((*cursor.Next())[0], index);
      StartMove(*map_, 30);
      interleaver.AwaitHeld(point);
      ASSERT_EQ(*before, All(30)) << point;
      ASSERT_EQ(*map_->Find(30), All(30)) << point;
      ASSERT_EQ(*cursor.Next(), All(30)) << point;
      interleaver.Release(point);
      ASSERT_EQ(FinishMove(), MoveResult::kMoved) << point;
      ASSERT_EQ(*before, All(30)) << point;
    }
    GiveBackOldPlace();
    ASSERT_EQ(map_->CheckInvariants(), absl::OkStatus()) << point;
  }
}

// 1. A reader finds the old copy. 2. It is moved. 3. The new one is updated. The reader goes on in what it found; who
//    looks now finds the update.
TEST_F(MovableMapInterleaveTest, AnUpdateAfterAMoveLeavesTheOldCopyAlone) {
  {
    reclaim::ReadSection section;
    const Words* found = map_->Find(30);
    StartMove(*map_, 30);
    ASSERT_EQ(FinishMove(), MoveResult::kMoved);
    ASSERT_TRUE(map_->Update(30, [](Words& words) { words = All(words[0] + 1); }).ok());
    EXPECT_EQ(*found, All(30));
    EXPECT_EQ(*map_->Find(30), All(31));
  }
  GiveBackOldPlace();
}

// 1. The mover has pinned the map. 2. A writer replaces, updates or erases the value, or erases it and puts another in
//    its place. 3. The mover takes the lock: the slot leads elsewhere, and it must not put the old bytes back.
TEST_F(MovableMapInterleaveTest, AValueThatWasReplacedBetweenPinAndLockStaysGone) {
  struct Case {
    const char* name;
    std::function<void(Map&)> write;
    std::optional<Words> expected;
  };
  const Case cases[] = {
      {"store", [](Map& map) { EXPECT_TRUE(map.Store(30, All(1)).value()); }, All(1)},
      {"update", [](Map& map) { EXPECT_TRUE(map.Update(30, [](Words& words) { words = All(words[0] + 1); }).ok()); },
       All(31)},
      {"erase", [](Map& map) { EXPECT_TRUE(map.Erase(30)); }, std::nullopt},
      {"erase and insert",
       [](Map& map) {
         EXPECT_TRUE(map.Erase(30));
         EXPECT_TRUE(map.Insert(30, All(2)).ok());
       },
       All(2)},
  };
  for (const Case& c : cases) {
    ASSERT_TRUE(map_->Store(30, All(30)).ok());
    Interleaver interleaver;
    interleaver.Hold("value_mover.after_pin");
    {
      // A pass's isolated slab keeps a dead value from being reused while the mover looks at it; here this section does.
      reclaim::ReadSection section;
      StartMove(*map_, 30);
      interleaver.AwaitHeld("value_mover.after_pin");
      c.write(*map_);
      interleaver.Release("value_mover.after_pin");
      EXPECT_NE(FinishMove(), MoveResult::kMoved) << c.name;
    }
    EXPECT_EQ(map_->Get(30), c.expected) << c.name;
    EXPECT_EQ(map_->CheckInvariants(), absl::OkStatus()) << c.name;
  }
}

// 1. A writer has erased the value, or replaced it, and stands before it retires it: the value still names the map.
// 2. The mover comes. It must not bring the value back.
TEST_F(MovableMapInterleaveTest, AValueThatIsBeingErasedDoesNotComeBack) {
  for (const char* point : {"map.erased", "map.replaced"}) {
    ASSERT_TRUE(map_->Store(30, All(30)).ok());
    Interleaver interleaver;
    interleaver.Hold(point);
    MapValue* value = ValueAt(map_->core(), 30);
    ThreadGroup writer;
    writer.Start("writer", [&] {
      if (std::string(point) == "map.erased") {
        map_->Erase(30);
      } else {
        EXPECT_TRUE(map_->Store(30, All(5)).value());
      }
    });
    interleaver.AwaitHeld(point);
    EXPECT_EQ(value->owner(), &map_->core());
    EXPECT_EQ(MoveObject(values_->mover(), values_->slabs(), value).result, MoveResult::kBusy);
    EXPECT_EQ(map_->Contains(30), std::string(point) == "map.replaced");
    interleaver.Release(point);
    writer.JoinAll();
    EXPECT_EQ(map_->CheckInvariants(), absl::OkStatus());
  }
}

// 1. A writer has made a value, which names its map, and stands before it stores it. 2. The mover comes: the slot does not
//    lead to the value, so it stays, or the writer would store an address that is free.
TEST_F(MovableMapInterleaveTest, AValueThatIsNotStoredYetStaysWhereItIs) {
  Interleaver interleaver;
  interleaver.Hold("map.allocated");
  interleaver.Hold("map.before_store");
  MapValue* value = nullptr;
  ThreadGroup writer;
  writer.Start("writer", [&] {
    auto& core = const_cast<MovableMapCore&>(map_->core());
    value = core.Allocate();
    *static_cast<Words*>(value->At(values_->offset())) = All(31);
    EXPECT_EQ(core.Insert(31, value), absl::OkStatus());
  });
  interleaver.AwaitHeld("map.allocated");
  interleaver.Release("map.allocated");
  interleaver.AwaitHeld("map.before_store");
  EXPECT_EQ(MoveObject(values_->mover(), values_->slabs(), value).result, MoveResult::kBusy);
  interleaver.Release("map.before_store");
  writer.JoinAll();
  EXPECT_EQ(ValueAt(map_->core(), 31), value);
  EXPECT_EQ(map_->Get(31), All(31));
}

// 1. An insertion has been refused, and the writer stands before it takes its value back. 2. A whole pass looks at the
//    value, and leaves it. 3. The writer takes it back and stores it at another index: nothing but the value's own words
//    orders that after the look (TSan would tell).
// No Interleaver, and relaxed throughout: the schedule is not to order anything either.
std::atomic<bool> refused{false};
std::atomic<bool> passed{false};
void AwaitPassWhenRefused(const char* point) {
  if (std::string_view(point) != "map.refused") return;
  refused.store(true, std::memory_order_relaxed);
  while (!passed.load(std::memory_order_relaxed)) std::this_thread::yield();
}
TEST_F(MovableMapInterleaveTest, AValueThatWasRefusedIsLookedAtAndUsedAgain) {
  const ScheduleHandler before = SetScheduleHandlerForTest(&AwaitPassWhenRefused);
  ThreadGroup threads;
  threads.Start("writer", [&] {
    EXPECT_EQ(map_->Insert(30, All(1)).code(), absl::StatusCode::kAlreadyExists);
    EXPECT_EQ(map_->Insert(31, All(31)), absl::OkStatus());
  });
  threads.Start("pass", [&] {
    while (!refused.load(std::memory_order_relaxed)) std::this_thread::yield();
    EXPECT_TRUE(values_->slabs().Compact({.mode = slab::CompactOptions::Mode::kMoveEverything}).ok());
    passed.store(true, std::memory_order_relaxed);
  });
  threads.JoinAll();
  SetScheduleHandlerForTest(before);
  EXPECT_EQ(map_->Get(30), All(30));
  EXPECT_EQ(map_->Get(31), All(31));
}

// 1. The mover holds the lock, its copy not published yet. 2. A writer comes to update the value, and waits. 3. The move
//    ends, then the update is done to the copy: nothing is lost.
TEST_F(MovableMapInterleaveTest, AnUpdateDuringAMoveIsNotLost) {
  Interleaver interleaver;
  interleaver.Hold("value_mover.before_publish");
  interleaver.Hold("map.allocated");
  StartMove(*map_, 30);
  interleaver.AwaitHeld("value_mover.before_publish");
  ThreadGroup writer;
  writer.Start("writer", [&] { EXPECT_TRUE(map_->Update(30, [](Words& w) { w = All(w[0] + 1); }).ok()); });
  interleaver.AwaitHeld("map.allocated");
  interleaver.Release("map.allocated");
  interleaver.Release("value_mover.before_publish");
  EXPECT_EQ(FinishMove(), MoveResult::kMoved);
  writer.JoinAll();
  EXPECT_EQ(map_->Get(30), All(31));
  GiveBackOldPlace();
}

// 1. The mover has read the value's owner. 2. The map ends and its memory goes (ASan would tell). 3. The mover pins, looks
//    again, and must not touch the map.
TEST_F(MovableMapInterleaveTest, AMapThatEndedBeforeThePinIsNotTouched) {
  Interleaver interleaver;
  interleaver.Hold("value_mover.before_pin");
  {
    reclaim::ReadSection section;  // keeps the value's bytes, as a pass does
    StartMove(*map_, 30);
    interleaver.AwaitHeld("value_mover.before_pin");
    map_.reset();
    interleaver.Release("value_mover.before_pin");
    EXPECT_EQ(FinishMove(), MoveResult::kGone);
  }
}

// 1. The mover has let go of the lock, and not yet of the pin. 2. The map ends: it takes its values, the moved one too,
//    and waits for the pin. 3. The mover unpins, and the map goes.
TEST_F(MovableMapInterleaveTest, AMapWaitsForItsPin) {
  Interleaver interleaver;
  interleaver.Hold("value_mover.before_unpin");
  interleaver.Hold("owner_pin.parking");
  StartMove(*map_, 30);
  interleaver.AwaitHeld("value_mover.before_unpin");
  std::atomic<bool> ended{false};
  ThreadGroup destroyer;
  destroyer.Start("destroyer", [&] {
    map_.reset();
    ended = true;
  });
  interleaver.AwaitHeld("owner_pin.parking");
  EXPECT_FALSE(ended);
  interleaver.Release("owner_pin.parking");
  interleaver.Release("value_mover.before_unpin");
  EXPECT_EQ(FinishMove(), MoveResult::kMoved);
  destroyer.JoinAll();
  EXPECT_TRUE(ended);
  GiveBackOldPlace();
  values_->slabs().FreeRcuBarrier();
  EXPECT_EQ(values_->slabs().Stats().live, 0u);
}

// 1. The mover has pinned the map. 2. The map ends, as far as waiting for the pin. 3. The mover goes on: it takes the lock
//    of a map without values, and leaves (ASan would tell if the map were gone).
TEST_F(MovableMapInterleaveTest, AMapThatEndsBetweenPinAndLockIsStillThere) {
  Interleaver interleaver;
  interleaver.Hold("value_mover.after_pin");
  interleaver.Hold("owner_pin.parking");
  ThreadGroup destroyer;
  {
    reclaim::ReadSection section;  // keeps the value's bytes, as a pass does
    StartMove(*map_, 30);
    interleaver.AwaitHeld("value_mover.after_pin");
    destroyer.Start("destroyer", [&] { map_.reset(); });
    interleaver.AwaitHeld("owner_pin.parking");
    interleaver.Release("owner_pin.parking");
    interleaver.Release("value_mover.after_pin");
    EXPECT_NE(FinishMove(), MoveResult::kMoved);
  }
  destroyer.JoinAll();
}

// A mover that stands still in one map, with its lock or only its pin, keeps no other map from ending.
TEST_F(MovableMapInterleaveTest, OneMapsMoveDoesNotHoldUpTheEndOfAnother) {
  for (const char* point : {"value_mover.after_pin", "value_mover.before_publish", "value_mover.before_unpin"}) {
    auto other = std::make_unique<Map>(*values_, *nodes_);
    ASSERT_TRUE(other->Insert(1, All(1)).ok());
    Interleaver interleaver;
    interleaver.Hold(point);
    StartMove(*map_, 30);
    interleaver.AwaitHeld(point);
    other.reset();  // would not return
    interleaver.Release(point);
    EXPECT_EQ(FinishMove(), MoveResult::kMoved);
    GiveBackOldPlace();
  }
}

// A map whose lock is held for ever is passed over; what lies in the same slabs and is another map's moves.
TEST_F(MovableMapInterleaveTest, AHeldLockKeepsOnlyItsOwnMapsValues) {
  Map other(*values_, *nodes_);
  for (uint64_t index = 0; index < 100; ++index) ASSERT_TRUE(other.Insert(index, All(index)).ok());
  {
    const ArrayLock lock(map_->core().array().anchor());
    StartMove(*map_, 30);
    EXPECT_EQ(FinishMove(), MoveResult::kBusy);
    StartMove(other, 30);
    EXPECT_EQ(FinishMove(), MoveResult::kMoved);
  }
  GiveBackOldPlace();
  EXPECT_EQ(other.CheckInvariants(), absl::OkStatus());
}

}  // namespace
}  // namespace mxa::xarray
