// SPDX-License-Identifier: Apache-2.0
//
// What others do at named points of a request for contiguous memory.
#include <atomic>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "slab/contiguous.h"
#include "tests/support/at_point.h"
#include "tests/support/handle_table.h"
#include "tests/support/interleaver.h"
#include "tests/support/stubborn_table.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

using Kind = ContiguousVerdict::Kind;
using test::AtPoint;
using test::StubbornTable;

constexpr size_t kRegions = 3;
constexpr size_t kSlots = kRegions * kUnitsPerRegion * 64;

// Three regions full of objects of which one in eight is left.
class ContiguousInterleaveTest : public testing::Test {
 protected:
  ContiguousInterleaveTest() {
    EXPECT_EQ(table_->Fill(), kSlots);
    for (size_t slot = 0; slot < kSlots; ++slot) {
      if (slot % 8 != 0) table_->Remove(slot);
    }
  }
  ~ContiguousInterleaveTest() override {
    for (void* block : blocks_) FreeContiguous(*arena_, block);
    EXPECT_EQ(arena_->isolations(), 0u);
    EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
    EXPECT_TRUE(table_->Intact());
    EXPECT_TRUE(table_->cache().CheckInvariants().ok()) << table_->cache().CheckInvariants();
    EXPECT_EQ(table_->cache().Stats().live, table_->size());
  }
  ContiguousVerdict Ask(size_t bytes = kRegionSize, absl::Duration patience = absl::Seconds(20)) {
    const ContiguousResult result = AllocateContiguous(*arena_, bytes, absl::Now() + patience);
    MutexLock lock(&mutex_);
    if (result.block != nullptr) blocks_.push_back(result.block);
    return result.verdict;
  }
  std::optional<size_t> IsolatedRegion() const {
    const std::vector<Arena::RegionUse> use = arena_->Use();
    for (size_t region = 0; region < use.size(); ++region) {
      if (use[region].isolated != 0) return region;
    }
    return std::nullopt;
  }
  size_t RegionOf(size_t slot) const { return arena_->RegionOf(arena_->SlabOf(table_->At(slot))); }

  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = kRegions * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  std::unique_ptr<StubbornTable> table_ = std::make_unique<StubbornTable>(*arena_, kSlots);
  Mutex mutex_;
  std::vector<void*> blocks_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(ContiguousInterleaveTest, AllocationsRaceTheIsolatedBlock) {
  table_->cache().Shrink();
  std::vector<Slab*> runs;
  {
    AtPoint at("contiguous.isolated", [&] {
      const size_t isolated = *IsolatedRegion();
      const uint32_t in_use = ~arena_->Use()[isolated].free;
      while (Slab* run = arena_->AllocateRun(1, kAnyNode, Mobility::kMovable)) {
        EXPECT_NE(arena_->RegionOf(run), isolated);
        runs.push_back(run);
      }
      EXPECT_EQ(~arena_->Use()[isolated].free & ~in_use, 0u) << "nothing new is in use there";
      // Enough for the evacuation is left again.
      arena_->FreeRuns(runs);
    });
    EXPECT_TRUE(Ask().granted());
  }
}

TEST_F(ContiguousInterleaveTest, SomebodyPinsAllFreeUnitsBeforeTheIsolation) {
  std::vector<Slab*> runs;
  {
    AtPoint at("contiguous.before_isolation", [&] {
      EXPECT_TRUE(table_->cache().Compact().ok());
      while (Slab* run = arena_->AllocateRun(1)) runs.push_back(run);
    });
    const ContiguousVerdict verdict = Ask();
    EXPECT_TRUE(verdict.kind == Kind::kUnmovable || verdict.kind == Kind::kNoMemory) << verdict.Text();
  }
  EXPECT_FALSE(runs.empty());
  arena_->FreeRuns(runs);
  EXPECT_TRUE(Ask().granted());
}

class ContiguousFreeInterleaveTest : public ContiguousInterleaveTest,
                                     public testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(Points, ContiguousFreeInterleaveTest,
                         testing::Values("contiguous.isolated", "pass.before_mark", "pass.after_mark",
                                         "drain.after_barn", "pass.after_isolate", "pass.before_grace_period",
                                         "contiguous.evacuated"),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (char& c : name) c = c == '.' || c == '_' ? 'X' : c;
                           return name;
                         });

TEST_P(ContiguousFreeInterleaveTest, ObjectsOfTheBlockAreFreed) {
  size_t freed = 0;
  {
    AtPoint at(GetParam(), [&] {
      const size_t isolated = *IsolatedRegion();
      for (size_t slot = 0; slot < kSlots && freed < 40; slot += 8) {
        if (RegionOf(slot) != isolated) continue;
        table_->Remove(slot);
        ++freed;
      }
    });
    EXPECT_TRUE(Ask().granted());
  }
  const bool moved_by_then =
      std::strcmp(GetParam(), "pass.before_grace_period") == 0 || std::strcmp(GetParam(), "contiguous.evacuated") == 0;
  EXPECT_EQ(freed, moved_by_then ? 0u : 40u);
}

TEST_F(ContiguousInterleaveTest, NewObjectsDoNotKeepTheBlock) {
  for (const char* point : {"contiguous.isolated", "pass.after_mark", "pass.before_grace_period"}) {
    SCOPED_TRACE(point);
    AtPoint at(point, [&] {
      for (size_t slot = 1; slot < kSlots; slot += 64) table_->Create(slot);
    });
    EXPECT_TRUE(Ask(kUnitSize).granted());
  }
}

TEST_F(ContiguousInterleaveTest, ARequestOfTheSameSizeGetsAnotherBlock) {
  AtPoint at("contiguous.isolated", [&] { EXPECT_TRUE(Ask().granted()); });
  EXPECT_TRUE(Ask().granted());
}

TEST_F(ContiguousInterleaveTest, ARequestThatOverlapsWaitsAndThenSaysSo) {
  AtPoint at("contiguous.isolated", [&] {
    const ContiguousVerdict verdict = Ask(2 * kRegionSize, absl::Milliseconds(50));
    EXPECT_TRUE(verdict.kind == Kind::kOverlap || verdict.granted()) << verdict.Text();
    const ContiguousVerdict all = Ask(2 * kRegionSize, absl::Milliseconds(50));
    EXPECT_EQ(all.kind, Kind::kOverlap) << all.Text();
  });
  const ContiguousVerdict verdict = Ask(kRegionSize, absl::Seconds(20));
  EXPECT_TRUE(verdict.granted() || verdict.kind == Kind::kNoMemory) << verdict.Text();
}

TEST_F(ContiguousInterleaveTest, AThreadDiesAndAnotherSleepsOnObjectsOfTheBlock) {
  std::atomic<bool> done{false};
  std::thread sleeper;
  {
    AtPoint at("contiguous.isolated", [&] {
      const size_t isolated = *IsolatedRegion();
      size_t freed = 0;
      std::vector<size_t> mine;
      for (size_t slot = 0; slot < kSlots && mine.size() < 6; slot += 8) {
        if (RegionOf(slot) == isolated) mine.push_back(slot);
      }
      // In this thread's sheaf when it ends, which is before the evacuation.
      for (; freed < 3; ++freed) table_->Remove(mine[freed]);
      std::atomic<bool> asleep{false};
      sleeper = std::thread([&, mine] {
        for (size_t i = 3; i < 6; ++i) table_->Remove(mine[i]);
        asleep = true;
        while (!done) std::this_thread::yield();
      });
      while (!asleep) std::this_thread::yield();
    });
    EXPECT_TRUE(Ask().granted());
  }
  done = true;
  sleeper.join();
}

TEST_F(ContiguousInterleaveTest, ACacheOfTheBlockIsDestroyed) {
  // Its slab takes the place of some that are freed; with them gone the block is the cheapest.
  for (size_t slot = 0; slot < kSlots; slot += 8) {
    if (RegionOf(slot) == 1 && slot % 32 != 0) table_->Remove(slot);
    if (slot / 64 >= 40 && slot / 64 < 44) table_->Remove(slot);
  }
  table_->cache().Shrink();
  auto other = std::make_unique<StubbornTable>(*arena_, 8, "other", 4096);
  ASSERT_EQ(other->Fill(), 8u);
  ASSERT_EQ(arena_->RegionOf(arena_->SlabOf(other->At(0))), 1u);
  for (size_t slot = 0; slot < 256; slot += 8) table_->Remove(slot);  // room for it elsewhere
  table_->cache().Shrink();
  {
    AtPoint at("contiguous.isolated", [&] {
      EXPECT_EQ(*IsolatedRegion(), 1u);
      other.reset();
    });
    EXPECT_TRUE(Ask().granted());
  }
}

// The destructor waits for the pass that works on the cache.
TEST_F(ContiguousInterleaveTest, ACacheIsDestroyedUnderAnEvacuation) {
  tests::Interleaver interleaver;
  interleaver.Hold("pass.after_mark");
  tests::ThreadGroup threads;
  threads.Start("asker", [&] { EXPECT_TRUE(Ask().granted()); });
  interleaver.AwaitHeld("pass.after_mark");
  std::atomic<bool> gone{false};
  threads.Start("destroyer", [&] {
    table_.reset();
    gone = true;
  });
  EXPECT_FALSE(gone);
  interleaver.Release("pass.after_mark");
  threads.JoinAll();
  EXPECT_TRUE(gone);
  table_ = std::make_unique<StubbornTable>(*arena_, kSlots);
}

// Given up at its deadline while it waits for a grace period, it gets its block later, and gives it back.
TEST_F(ContiguousInterleaveTest, AnAbandonedRequestGivesItsBlockBack) {
  tests::Interleaver interleaver;
  interleaver.Hold("contiguous.before_done");
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  tests::ThreadGroup threads;
  threads.Start("reader", [&] {
    reclaim::ReadSection section;
    inside = true;
    while (!leave) std::this_thread::yield();
  });
  while (!inside) std::this_thread::yield();
  const ContiguousVerdict verdict = Ask(kRegionSize, absl::Milliseconds(300));
  EXPECT_EQ(verdict.kind, Kind::kReader) << verdict.Text();
  leave = true;
  threads.JoinAll();
  interleaver.AwaitHeld("contiguous.before_done");
  EXPECT_EQ(arena_->isolations(), 0u);
  interleaver.Release("contiguous.before_done");
  EXPECT_TRUE(Ask(kRegionSize).granted());
  EXPECT_TRUE(Ask(kRegionSize).granted());
}

}  // namespace
}  // namespace mxa::slab
