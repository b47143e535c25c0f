// SPDX-License-Identifier: Apache-2.0
//
// The mover of the example table against finders, removals and the table's end, one exact schedule a test.
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "examples/counted_table/counted_table.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/interleaver.h"
#include "tests/support/move_object.h"
#include "tests/support/thread_group.h"

namespace mxa::examples {
namespace {

using reclaim::MoveResult;
using tests::Interleaver;
using tests::MoveObject;
using tests::ObjectMove;
using tests::ThreadGroup;

class CountedTableInterleaveTest : public testing::Test {
 protected:
  void SetUp() override {
    // One bucket, so that every object is another's neighbour.
    for (uint64_t i = 0; i < 5; ++i) ASSERT_TRUE(table_->Insert(absl::StrCat("name", i), i).ok());
  }
  void TearDown() override {
    mover_.JoinAll();
    if (table_ != nullptr) {
      EXPECT_EQ(table_->CheckInvariants(), absl::OkStatus());
    }
    // Gives back the place of what has moved, as a pass does.
    if (done_ != nullptr && move_.result == MoveResult::kMoved) {
      EXPECT_EQ(from_->owner(), GoneOwner());
      reclaim::Synchronize();
      cache_->Free(from_);
    }
    table_.reset();
    cache_->slabs().FreeRcuBarrier();
    EXPECT_EQ(cache_->slabs().Stats().live, 0u);
  }

  static CountedObject* PlaceOf(const CountedTable& table, const std::string& name) { return table.Find(name).get(); }

  // Starts to move `name` of `table`, as phase 2 of a pass.
  void StartMove(const CountedTable& table, const std::string& name) {
    from_ = PlaceOf(table, name);
    done_ = std::make_shared<absl::Notification>();
    mover_.Start("mover", [this, done = done_, from = from_] {
      move_ = MoveObject(cache_->mover(), cache_->slabs(), from);
      done->Notify();
    });
  }
  MoveResult FinishMove() {
    done_->WaitForNotification();
    return move_.result;
  }

  std::unique_ptr<CountedCache> cache_ = CountedCache::Create().value();
  std::unique_ptr<CountedTable> table_ = std::make_unique<CountedTable>(*cache_, 1);
  CountedObject* from_ = nullptr;
  ObjectMove move_ = {};
  std::shared_ptr<absl::Notification> done_;
  ThreadGroup mover_;
};

// --- The table's end.

// 1. The mover has read the owner. 2. The table ends and its memory goes (ASan would tell). 3. The mover pins, looks again,
//    and must not touch the table.
TEST_F(CountedTableInterleaveTest, ATableThatEndedBeforeThePinIsNotTouched) {
  Interleaver interleaver;
  interleaver.Hold("object_mover.before_pin");
  reclaim::ReadSection section;  // keeps the object's bytes, as a pass does
  StartMove(*table_, "name2");
  interleaver.AwaitHeld("object_mover.before_pin");
  table_.reset();
  interleaver.Release("object_mover.before_pin");
  EXPECT_EQ(FinishMove(), MoveResult::kGone);
}

// 1. The mover has pinned the table. 2. The table ends: it takes its objects back, and waits for the pin. 3. The mover gets
//    the lock, and finds that the object has left.
TEST_F(CountedTableInterleaveTest, ATableThatEndsAfterThePinTakesItsObjectsBack) {
  Interleaver interleaver;
  ThreadGroup others;
  interleaver.Hold("object_mover.after_pin");
  interleaver.Hold("owner_pin.parking");
  {
    reclaim::ReadSection section;  // keeps the object's bytes, as a pass does
    StartMove(*table_, "name2");
    interleaver.AwaitHeld("object_mover.after_pin");
    others.Start("destroyer", [&] { table_.reset(); });
    interleaver.AwaitHeld("owner_pin.parking");
    interleaver.Release("owner_pin.parking");
    interleaver.Release("object_mover.after_pin");
    EXPECT_EQ(FinishMove(), MoveResult::kGone);
  }
  others.JoinAll();
}

// 1. The mover is through, and still has its pin. 2. The table ends, with the copy, and waits. 3. The mover unpins.
TEST_F(CountedTableInterleaveTest, ATableWaitsForItsPin) {
  Interleaver interleaver;
  ThreadGroup others;
  interleaver.Hold("object_mover.before_unpin");
  interleaver.Hold("owner_pin.parking");
  StartMove(*table_, "name2");
  interleaver.AwaitHeld("object_mover.before_unpin");
  std::atomic<bool> ended{false};
  others.Start("destroyer", [&] {
    table_.reset();
    ended = true;
  });
  interleaver.AwaitHeld("owner_pin.parking");
  EXPECT_FALSE(ended);
  interleaver.Release("owner_pin.parking");
  interleaver.Release("object_mover.before_unpin");
  EXPECT_EQ(FinishMove(), MoveResult::kMoved);
  others.JoinAll();
}

// A mover that hangs in one table, with the lock or with the pin alone, keeps no other table from ending; nor does a
// thread that holds that table's lock for ever.
TEST_F(CountedTableInterleaveTest, ATableThatHangsHoldsUpNoOthersEnd) {
  Interleaver interleaver;
  auto other = std::make_unique<CountedTable>(*cache_, 1);
  ASSERT_TRUE(other->Insert("other", 1).ok());
  interleaver.Hold("object_mover.before_publish");
  StartMove(*table_, "name2");
  interleaver.AwaitHeld("object_mover.before_publish");
  other.reset();  // would not return
  other = std::make_unique<CountedTable>(*cache_, 1);
  ASSERT_TRUE(other->Insert("other", 1).ok());
  interleaver.Hold("object_mover.before_unpin");
  interleaver.Release("object_mover.before_publish");
  interleaver.AwaitHeld("object_mover.before_unpin");
  other.reset();  // would not return
  interleaver.Release("object_mover.before_unpin");
  EXPECT_EQ(FinishMove(), MoveResult::kMoved);
}
TEST_F(CountedTableInterleaveTest, AHeldLockKeepsItsOwnObjectsOnly) {
  Interleaver interleaver;
  ThreadGroup others;
  auto other = std::make_unique<CountedTable>(*cache_, 1);
  ASSERT_TRUE(other->Insert("other", 1).ok());
  CountedObject* name2 = PlaceOf(*table_, "name2");
  interleaver.Hold("table.locked");
  others.Start("holder", [&] { table_->Erase("name4"); });
  interleaver.AwaitHeld("table.locked");
  EXPECT_EQ(MoveObject(cache_->mover(), cache_->slabs(), name2).result, MoveResult::kBusy);
  StartMove(*other, "other");
  EXPECT_EQ(FinishMove(), MoveResult::kMoved);
  EXPECT_EQ(table_->Find("name2").get(), name2);  // finders take no lock
  other.reset();
  interleaver.Release("table.locked");
  others.JoinAll();
}

// --- Finders.

// 1. A finder has found the object. 2. It moves, and its copy moves. 3. The finder goes on: to the second copy.
TEST_F(CountedTableInterleaveTest, AFinderGoesOnToTheCopyOfTheCopy) {
  CountedObject* const first = PlaceOf(*table_, "name2");
  Interleaver interleaver;
  ThreadGroup others;
  interleaver.Hold("table.found");
  Reference found;
  others.Start("finder", [&] { found = table_->Find("name2"); });
  interleaver.AwaitHeld("table.found");
  const ObjectMove once = MoveObject(cache_->mover(), cache_->slabs(), first);
  ASSERT_EQ(once.result, MoveResult::kMoved);
  const ObjectMove twice = MoveObject(cache_->mover(), cache_->slabs(), once.destination);
  ASSERT_EQ(twice.result, MoveResult::kMoved);
  interleaver.Release("table.found");
  others.JoinAll();
  EXPECT_EQ(found.get(), twice.destination);
  EXPECT_EQ(found->number(), 2u);
  reclaim::Synchronize();
  cache_->Free(first);
  cache_->Free(static_cast<CountedObject*>(once.destination));
}

// 1. A finder stands in an object. 2. That moves, and so does the one behind it. 3. The finder goes on by the old place to
//    the old place of the next, and from there to its copy.
TEST_F(CountedTableInterleaveTest, AFinderGoesOnThroughMovedNeighbours) {
  CountedObject* const third = PlaceOf(*table_, "name3");
  CountedObject* const second = PlaceOf(*table_, "name2");
  reclaim::ReadSection section;  // in which it stands in `third`
  ASSERT_EQ(third->next().load(), second);
  for (CountedObject* object : {third, second}) {
    ASSERT_EQ(MoveObject(cache_->mover(), cache_->slabs(), object).result, MoveResult::kMoved);
  }
  EXPECT_EQ(third->next().load(), second);
  EXPECT_EQ(second->Take(), CountedObject::Taken::kMoved);
  EXPECT_EQ(second->moved_to(), PlaceOf(*table_, "name2"));
  cache_->slabs().FreeRcu(third);
  cache_->slabs().FreeRcu(second);
}

// 1. The mover has copied, and stands before it closes the object. 2. A finder takes a reference, uses the object, and
//    drops it: the count is as before, the object is not. 3. The mover must give up its copy.
TEST_F(CountedTableInterleaveTest, AFinderThatCameAndWentKeepsTheObject) {
  Interleaver interleaver;
  interleaver.Hold("object_mover.before_close");
  StartMove(*table_, "name2");
  interleaver.AwaitHeld("object_mover.before_close");
  table_->Find("name2")->AddUse();
  interleaver.Release("object_mover.before_close");
  EXPECT_EQ(FinishMove(), MoveResult::kPinned);
  EXPECT_EQ(table_->Find("name2")->uses(), 1u);
  EXPECT_EQ(PlaceOf(*table_, "name2"), from_);
}

// The same, as far as the destination goes: it is another object's next, and a table that has ended must not be its owner.
TEST_F(CountedTableInterleaveTest, AMoveThatIsGivenUpLeavesTheDestinationAsItWas) {
  CountedObject* const from = PlaceOf(*table_, "name2");
  CountedObject* const to = cache_->Allocate();
  Interleaver interleaver;
  ThreadGroup others;
  interleaver.Hold("object_mover.before_close");
  MoveResult result = MoveResult::kMoved;
  others.Start("mover", [&] { result = table_->TryMove(from, to); });
  interleaver.AwaitHeld("object_mover.before_close");
  EXPECT_TRUE(table_->Find("name2"));
  interleaver.Release("object_mover.before_close");
  others.JoinAll();
  EXPECT_EQ(result, MoveResult::kPinned);
  EXPECT_EQ(to->owner(), nullptr);
  EXPECT_EQ(from->moved_to(), nullptr);
  cache_->Free(to);
}

// 1. Phase 1 has let the object through. 2. A finder takes a reference. 3. Phase 2 must leave the object where it is, for
//    as long as that is held.
TEST_F(CountedTableInterleaveTest, AReferenceTakenBetweenThePhasesKeepsTheObject) {
  void* objects[] = {PlaceOf(*table_, "name2")};
  EXPECT_TRUE(cache_->mover().CanFree(absl::MakeSpan(objects)));
  EXPECT_NE(objects[0], nullptr);
  Reference held = table_->Find("name2");
  StartMove(*table_, "name2");
  EXPECT_EQ(FinishMove(), MoveResult::kPinned);
  EXPECT_EQ(held.get(), objects[0]);
  EXPECT_TRUE(cache_->mover().CanFree(absl::MakeSpan(objects)));
  EXPECT_EQ(objects[0], nullptr) << "phase 1 says so as well";
  held = Reference();
  StartMove(*table_, "name2");
  EXPECT_EQ(FinishMove(), MoveResult::kMoved);
}

// 1. A finder stands before it takes its reference; it has read the count. 2. The object moves. 3. Its exchange fails, and
//    it goes on to the copy.
TEST_F(CountedTableInterleaveTest, AFinderThatHasReadTheCountTakesTheCopy) {
  from_ = PlaceOf(*table_, "name2");
  CountedObject* const from = from_;
  Interleaver interleaver;
  ThreadGroup others;
  interleaver.Hold("object.before_take");
  Reference found;
  others.Start("finder", [&] { found = table_->Find("name2"); });
  interleaver.AwaitHeld("object.before_take");
  move_ = MoveObject(cache_->mover(), cache_->slabs(), from);
  done_ = std::make_shared<absl::Notification>();
  EXPECT_EQ(move_.result, MoveResult::kMoved);
  interleaver.Release("object.before_take");
  others.JoinAll();
  EXPECT_EQ(found.get(), move_.destination);
}

// 1. The mover has closed the object, and not linked the copy yet. 2. A finder comes from the bucket: it takes the copy
//    by the old place, and waits for nobody.
TEST_F(CountedTableInterleaveTest, AFinderDoesNotWaitForTheCopyToBeLinked) {
  Interleaver interleaver;
  interleaver.Hold("object_mover.before_publish");
  StartMove(*table_, "name2");
  interleaver.AwaitHeld("object_mover.before_publish");
  Reference found = table_->Find("name2");
  EXPECT_EQ(found->number(), 2u);
  EXPECT_NE(found.get(), from_);
  EXPECT_EQ(table_->Find("name0")->number(), 0u);  // behind it in the bucket
  interleaver.Release("object_mover.before_publish");
  EXPECT_EQ(FinishMove(), MoveResult::kMoved);
  EXPECT_EQ(found.get(), move_.destination);
}

// --- Removal.

// 1. The mover has pinned the table. 2. The object is removed. 3. The mover must not bring it back.
TEST_F(CountedTableInterleaveTest, WhatWasRemovedBetweenPinAndLockStaysGone) {
  Interleaver interleaver;
  interleaver.Hold("object_mover.after_pin");
  reclaim::ReadSection section;  // keeps the object's bytes, as a pass does
  StartMove(*table_, "name2");
  interleaver.AwaitHeld("object_mover.after_pin");
  EXPECT_TRUE(table_->Erase("name2"));
  interleaver.Release("object_mover.after_pin");
  EXPECT_EQ(FinishMove(), MoveResult::kGone);
  EXPECT_FALSE(table_->Find("name2"));
}

// 1. The mover has the lock, its copy not linked. 2. The object is to be removed, and that waits for the lock. 3. What is
//    removed is the copy.
TEST_F(CountedTableInterleaveTest, ARemovalDuringAMoveRemovesTheCopy) {
  Interleaver interleaver;
  ThreadGroup others;
  interleaver.Hold("object_mover.before_publish");
  StartMove(*table_, "name2");
  interleaver.AwaitHeld("object_mover.before_publish");
  std::atomic<bool> erased{false};
  others.Start("writer", [&] { erased = table_->Erase("name2"); });
  interleaver.Release("object_mover.before_publish");
  EXPECT_EQ(FinishMove(), MoveResult::kMoved);
  others.JoinAll();
  EXPECT_TRUE(erased);
  EXPECT_FALSE(table_->Find("name2"));
}

// 1. A finder holds the object. 2. It is removed. 3. The mover comes: it is nobody's any more, and stays; its last
//    reference frees it.
TEST_F(CountedTableInterleaveTest, WhatIsHeldAfterItsRemovalStays) {
  Reference held = table_->Find("name2");
  EXPECT_TRUE(table_->Erase("name2"));
  EXPECT_EQ(MoveObject(cache_->mover(), cache_->slabs(), held.get()).result, MoveResult::kGone);
  EXPECT_EQ(held->number(), 2u);
}

}  // namespace
}  // namespace mxa::examples
