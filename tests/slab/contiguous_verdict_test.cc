// SPDX-License-Identifier: Apache-2.0
//
// Each answer that a request for contiguous memory can get names exactly what stood in the way.
#include "slab/contiguous_verdict.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "slab/block_isolation.h"
#include "slab/cache.h"
#include "slab/contiguous.h"
#include "slab/page_pool.h"
#include "tests/support/stubborn_table.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

using Kind = ContiguousVerdict::Kind;
using Answer = ContiguousVerdict::Answer;
using test::StubbornTable;

constexpr size_t kRegions = 2;
constexpr size_t kSlots = kRegions * kUnitsPerRegion * 64;

// Two regions full of objects of which one in four is left, so that either could be emptied into the other.
class ContiguousVerdictTest : public testing::Test {
 protected:
  ContiguousVerdictTest() {
    EXPECT_EQ(table_->Fill(), kSlots);
    for (size_t slot = 0; slot < kSlots; ++slot) {
      if (slot % 4 != 0) table_->Remove(slot);
    }
  }
  ~ContiguousVerdictTest() override {
    AwaitNoIsolation();  // of a request that was given up
    EXPECT_TRUE(table_->Intact());
    EXPECT_TRUE(table_->cache().CheckInvariants().ok()) << table_->cache().CheckInvariants();
    EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
    // Whatever was in the way, a block comes once it is gone.
    table_->refuse = false;
    table_->dawdle = false;
    for (size_t slot = 0; slot < kSlots; slot += 4) table_->SetAnswer(slot, StubbornTable::Answer::kMove);
    const ContiguousResult result = AllocateContiguous(*arena_, kRegionSize, absl::Now() + absl::Seconds(20));
    EXPECT_TRUE(result.verdict.granted()) << result.verdict.Text();
    if (result.block != nullptr) FreeContiguous(*arena_, result.block);
    EXPECT_TRUE(table_->Intact());
  }
  ContiguousVerdict Ask(absl::Duration patience = absl::Milliseconds(60), size_t bytes = kRegionSize,
                        const std::atomic<bool>* cancel = nullptr) {
    const ContiguousResult result = AllocateContiguous(*arena_, bytes, absl::Now() + patience, cancel);
    if (result.block != nullptr) FreeContiguous(*arena_, result.block);
    return result.verdict;
  }
  // Asks with more and more patience, until this has been in the way more than once.
  ContiguousVerdict AskUntilMetTwice(Kind kind) {
    for (absl::Duration patience = absl::Milliseconds(60);; patience *= 2) {
      const ContiguousVerdict verdict = Ask(patience);
      if ((verdict.kind == kind && verdict.times > 1) || patience > absl::Seconds(10)) return verdict;
    }
  }
  // An object of each region is made to answer so.
  std::set<const void*> Stubborn(StubbornTable::Answer answer) {
    std::set<const void*> stubborn;
    std::set<size_t> regions;
    for (size_t slot = 0; slot < kSlots; slot += 4) {
      if (!regions.insert(arena_->RegionOf(arena_->SlabOf(table_->At(slot)))).second) continue;
      table_->SetAnswer(slot, answer);
      stubborn.insert(table_->At(slot));
    }
    return stubborn;
  }

  void AwaitNoIsolation() const {
    reclaim::OfflineScope offline;
    while (arena_->isolations() != 0) std::this_thread::yield();
  }

  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = kRegions * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  std::unique_ptr<StubbornTable> table_ = std::make_unique<StubbornTable>(*arena_, kSlots);
};

TEST_F(ContiguousVerdictTest, Granted) {
  const ContiguousVerdict verdict = Ask(absl::Seconds(20));
  EXPECT_EQ(verdict.kind, Kind::kGranted);
  EXPECT_EQ(verdict.Text(), "granted");
}

TEST_F(ContiguousVerdictTest, Impossible) {
  for (const size_t bytes : {size_t{0}, size_t{2048}, 3 * kUnitSize, 2 * kRegions * kRegionSize, 2 * kMostContiguous}) {
    EXPECT_EQ(Ask(absl::Seconds(20), bytes).kind, Kind::kImpossible) << bytes;
  }
}

TEST_F(ContiguousVerdictTest, BusyObject) {
  const std::set<const void*> busy = Stubborn(StubbornTable::Answer::kBusy);
  const ContiguousVerdict verdict = AskUntilMetTwice(Kind::kObject);
  EXPECT_EQ(verdict.kind, Kind::kObject) << verdict.Text();
  EXPECT_EQ(verdict.answer, Answer::kBusy);
  EXPECT_EQ(verdict.cache, "stubborn");
  EXPECT_TRUE(busy.contains(verdict.address)) << verdict.Text();
  EXPECT_GT(verdict.times, 1u);
  EXPECT_TRUE(verdict.deadline_passed);
  EXPECT_NE(verdict.Text().find("of cache stubborn did not move: busy, "), std::string::npos) << verdict.Text();
  EXPECT_NE(verdict.Text().find("the deadline has passed"), std::string::npos) << verdict.Text();
}

TEST_F(ContiguousVerdictTest, PinnedObject) {
  const std::set<const void*> pinned = Stubborn(StubbornTable::Answer::kPinned);
  const ContiguousVerdict verdict = AskUntilMetTwice(Kind::kObject);
  EXPECT_EQ(verdict.kind, Kind::kObject) << verdict.Text();
  EXPECT_EQ(verdict.answer, Answer::kPinned);
  EXPECT_TRUE(pinned.contains(verdict.address)) << verdict.Text();
  EXPECT_GT(verdict.times, 1u);
  EXPECT_NE(verdict.Text().find("pinned, "), std::string::npos) << verdict.Text();
}

TEST_F(ContiguousVerdictTest, ObjectKeptBack) {
  const std::set<const void*> kept = Stubborn(StubbornTable::Answer::kKeptBack);
  const ContiguousVerdict verdict = AskUntilMetTwice(Kind::kObject);
  EXPECT_EQ(verdict.kind, Kind::kObject) << verdict.Text();
  EXPECT_EQ(verdict.answer, Answer::kKeptBack);
  EXPECT_TRUE(kept.contains(verdict.address)) << verdict.Text();
  EXPECT_NE(verdict.Text().find("its owner does not know it"), std::string::npos) << verdict.Text();
}

TEST_F(ContiguousVerdictTest, AnObjectThatIsBusyInOneBlockOnlyIsNoBlocker) {
  table_->SetAnswer(0, StubbornTable::Answer::kBusy);
  const ContiguousVerdict verdict = Ask(absl::Seconds(20));
  EXPECT_EQ(verdict.kind, Kind::kGranted) << "the next cheapest block has its turn: " << verdict.Text();
}

TEST_F(ContiguousVerdictTest, RefusedSlab) {
  table_->refuse = true;
  const ContiguousVerdict verdict = AskUntilMetTwice(Kind::kRefused);
  EXPECT_EQ(verdict.kind, Kind::kRefused) << verdict.Text();
  EXPECT_EQ(verdict.cache, "stubborn");
  EXPECT_GT(verdict.times, 1u);
  EXPECT_TRUE(arena_->Contains(verdict.address));
  EXPECT_NE(verdict.Text().find("refused to empty the slab"), std::string::npos) << verdict.Text();
}

TEST_F(ContiguousVerdictTest, UnmovableSlab) {
  auto still = Cache::Create({.name = "still", .object_size = 64, .arena = arena_.get()}).value();
  ASSERT_TRUE(table_->cache().Compact().ok());  // makes room for it
  void* object = still->Allocate();
  ASSERT_NE(object, nullptr);
  const ContiguousVerdict verdict = Ask(absl::Seconds(20), kRegions * kRegionSize);
  EXPECT_EQ(verdict.kind, Kind::kUnmovable) << verdict.Text();
  EXPECT_EQ(verdict.cache, "still");
  EXPECT_EQ(verdict.address, arena_->SlabOf(object)->objects);
  EXPECT_FALSE(verdict.deadline_passed) << "told at once";
  EXPECT_NE(verdict.Text().find("a slab of cache still"), std::string::npos) << verdict.Text();
  still->Free(object);
}

TEST_F(ContiguousVerdictTest, UnmovableMemoryOfAPool) {
  ASSERT_TRUE(table_->cache().Compact().ok());
  auto pool = PagePool::Create({.name = "pool", .arena = arena_.get(), .min_units = 1}).value();
  const ContiguousVerdict verdict = Ask(absl::Seconds(20), kRegions * kRegionSize);
  EXPECT_EQ(verdict.kind, Kind::kUnmovable) << verdict.Text();
  EXPECT_EQ(verdict.cache, "");
  EXPECT_TRUE(arena_->Contains(verdict.address));
  EXPECT_NE(verdict.Text().find("a page pool's or a block's"), std::string::npos) << verdict.Text();
}

TEST_F(ContiguousVerdictTest, NoMemory) {
  const ContiguousVerdict verdict = Ask(absl::Seconds(20), kRegions * kRegionSize);
  EXPECT_EQ(verdict.kind, Kind::kNoMemory) << verdict.Text();
  // A quarter of what the arena holds is to move and there is nowhere to go.
  EXPECT_EQ(verdict.missing_bytes, kRegions * kRegionSize / 4);
  EXPECT_FALSE(verdict.deadline_passed) << "told at once";
  EXPECT_EQ(verdict.Text(), "1048576 bytes of free memory are missing elsewhere");
}

TEST_F(ContiguousVerdictTest, Reader) {
  std::atomic<bool> leave{false};
  std::atomic<int64_t> id{0};
  tests::ThreadGroup threads;
  threads.Start("slow-reader", [&] {
    reclaim::ReadSection section;
    id = syscall(SYS_gettid);
    while (!leave) std::this_thread::yield();
  });
  while (id == 0) std::this_thread::yield();
  const absl::Time start = absl::Now();
  const ContiguousVerdict verdict = Ask(absl::Milliseconds(500));
  const absl::Duration waited = absl::Now() - start;
  EXPECT_EQ(verdict.kind, Kind::kReader) << verdict.Text();
  EXPECT_EQ(verdict.thread_name, "slow-reader");
  EXPECT_EQ(verdict.thread_id, id);
  EXPECT_GT(verdict.held_at_least, absl::Milliseconds(10));
  EXPECT_LE(verdict.held_at_least, waited);
  EXPECT_TRUE(verdict.deadline_passed);
  EXPECT_NE(verdict.Text().find("thread slow-reader ("), std::string::npos) << verdict.Text();
  // The request that was given up goes on alone, and lets go when the reader has left.
  EXPECT_EQ(arena_->isolations(), 1u);
  leave = true;
  threads.JoinAll();
  AwaitNoIsolation();
}

TEST_F(ContiguousVerdictTest, PassElsewhere) {
  table_->dawdle = true;
  tests::ThreadGroup threads;
  threads.Start("pass", [&] { EXPECT_TRUE(table_->cache().Compact().ok()); });
  while (!table_->dawdling) std::this_thread::yield();
  const ContiguousVerdict verdict = AskUntilMetTwice(Kind::kPassElsewhere);
  EXPECT_EQ(verdict.kind, Kind::kPassElsewhere) << verdict.Text();
  EXPECT_EQ(verdict.cache, "stubborn");
  EXPECT_GT(verdict.times, 1u);
  EXPECT_NE(verdict.Text().find("a pass over cache stubborn was running"), std::string::npos) << verdict.Text();
  table_->dawdle = false;
  threads.JoinAll();
}

TEST_F(ContiguousVerdictTest, Overlap) {
  const BlockIsolation other(*arena_, {0, kRegions * kUnitsPerRegion});
  ASSERT_TRUE(other.holds());
  const ContiguousVerdict verdict = Ask();
  EXPECT_EQ(verdict.kind, Kind::kOverlap) << verdict.Text();
  EXPECT_TRUE(verdict.deadline_passed);
  EXPECT_NE(verdict.Text().find("another request"), std::string::npos) << verdict.Text();
}

TEST_F(ContiguousVerdictTest, Deadline) {
  const ContiguousVerdict verdict = Ask(-absl::Seconds(1));
  EXPECT_EQ(verdict.kind, Kind::kDeadline) << verdict.Text();
  EXPECT_TRUE(verdict.deadline_passed);
  EXPECT_EQ(verdict.Text(), "time was up before anything blocked");
  EXPECT_EQ(table_->cache().TotalCompactStats().passes, 0u) << "nothing was begun";
}

TEST_F(ContiguousVerdictTest, Cancelled) {
  table_->dawdle = true;  // until the pass is cancelled
  std::atomic<bool> cancel{false};
  tests::ThreadGroup threads;
  threads.Start("canceller", [&] {
    while (!table_->dawdling) std::this_thread::yield();
    cancel = true;
  });
  const ContiguousVerdict verdict = Ask(absl::Seconds(60), kRegionSize, &cancel);
  EXPECT_EQ(verdict.kind, Kind::kCancelled) << verdict.Text();
  EXPECT_FALSE(verdict.deadline_passed);
  EXPECT_EQ(verdict.Text(), "cancelled");
  EXPECT_EQ(arena_->isolations(), 0u);
  EXPECT_EQ(table_->cache().TotalCompactStats().objects_moved, 0u);
}

TEST_F(ContiguousVerdictTest, CancelledWhileAReaderHoldsItUp) {
  std::atomic<bool> inside{false};
  std::atomic<bool> cancel{false};
  std::atomic<bool> leave{false};
  tests::ThreadGroup threads;
  threads.Start("slow-reader", [&] {
    reclaim::ReadSection section;
    inside = true;
    while (!leave) std::this_thread::yield();
  });
  while (!inside) std::this_thread::yield();
  threads.Start("canceller", [&] {
    while (arena_->isolations() == 0) std::this_thread::yield();
    cancel = true;
  });
  const ContiguousVerdict verdict = Ask(absl::Seconds(60), kRegionSize, &cancel);
  EXPECT_EQ(verdict.kind, Kind::kCancelled) << verdict.Text();
  EXPECT_EQ(verdict.thread_name, verdict.thread_id == 0 ? "" : "slow-reader");
  leave = true;
  threads.JoinAll();
  AwaitNoIsolation();
}

}  // namespace
}  // namespace mxa::slab
