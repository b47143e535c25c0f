// SPDX-License-Identifier: Apache-2.0
//
// Wherever the page source fails, what needed the pages fails alone: the rest of the cache is as before, and the next
// attempt succeeds.
#include <memory>
#include <vector>

#include "base/fault_injector.h"
#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "tests/support/fail_each_once.h"
#include "tests/support/handle_table.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

class PageFaultInjectionTest : public testing::Test {
 protected:
  std::unique_ptr<Arena> MakeArena() {
    return Arena::Create({.reserve_bytes = 64 * kRegionSize, .min_reserve_bytes = kRegionSize, .faults = &faults_})
        .value();
  }
  static std::unique_ptr<Cache> MakeCache(Arena& arena) {
    return Cache::Create({.name = "thing", .object_size = 1024, .arena = &arena, .sheaf_capacity = 4}).value();
  }

  FaultInjector faults_;
};

TEST_F(PageFaultInjectionTest, ARunThatIsRefusedChangesNothing) {
  const auto arena = MakeArena();
  std::vector<Slab*> runs{arena->AllocateRun(kUnitsPerRegion / 2)};
  {
    const FailNthScope scope(faults_, 2);
    runs.push_back(arena->AllocateRun(1));
    EXPECT_EQ(arena->AllocateRun(1), nullptr);
    EXPECT_EQ(arena->units_held(), kUnitsPerRegion / 2 + 1);
    runs.push_back(arena->AllocateRun(1));
  }
  {
    const FailNthScope scope(faults_, 1);
    EXPECT_EQ(arena->AllocateRun(kUnitsPerRegion), nullptr);
    EXPECT_FALSE(arena->Contains(runs[0]->objects + kRegionSize)) << "no region was committed for it";
  }
  for (const Slab* run : runs) ASSERT_NE(run, nullptr);
  EXPECT_EQ(arena->units_held(), kUnitsPerRegion / 2 + 2);
  EXPECT_TRUE(arena->CheckInvariants().ok()) << arena->CheckInvariants();
  arena->FreeRuns(runs);
  EXPECT_EQ(arena->units_held(), 0u);
}

TEST_F(PageFaultInjectionTest, AnAllocationFailsOnlyWhenItNeedsANewSlab) {
  const auto arena = MakeArena();
  const auto cache = MakeCache(*arena);
  faults_.Arm({});
  EXPECT_EQ(cache->Allocate(), nullptr);
  EXPECT_EQ(cache->Allocate(AllocFlags::kMayReclaim), nullptr);
  EXPECT_EQ(cache->Stats().slabs, 0u);
  faults_.Disarm();
  void* first = cache->Allocate();
  ASSERT_NE(first, nullptr);
  faults_.Arm({});
  std::vector<void*> objects;
  while (void* object = cache->Allocate()) objects.push_back(object);
  EXPECT_EQ(objects.size() + 1, cache->Stats().objects_per_slab) << "the slab that is there is used up";
  EXPECT_TRUE(cache->CheckInvariants().ok()) << cache->CheckInvariants();
  cache->Free(first);
  EXPECT_EQ(cache->Allocate(), first) << "what is freed can be had again";
  cache->Free(first);
  for (void* object : objects) cache->Free(object);
}

TEST_F(PageFaultInjectionTest, AnAllocationThatMayReclaimAsksOnceMore) {
  const auto arena = MakeArena();
  const auto cache = MakeCache(*arena);
  const FailNthScope scope(faults_, 1);
  void* object = cache->Allocate(AllocFlags::kMayReclaim);
  EXPECT_NE(object, nullptr);
  EXPECT_TRUE(scope.fired());
  cache->Free(object);
}

// Fills, thins out by both ways of freeing, shrinks, packs, moves everything, and refills, with an arena of its own.
// Counts in *refused the allocations that failed.
void RunWorkload(FaultInjector& faults, size_t* refused) {
  constexpr size_t kItems = 3000;
  test::HandleTable table(
      {.slots = kItems, .sheaf_capacity = 16, .reserve_bytes = 64 * kRegionSize, .page_faults = &faults});
  std::vector<bool> there(kItems);
  size_t live = 0;
  const auto expect_sound = [&](const char* after) {
    const CacheStats stats = table.cache().Stats();
    ASSERT_EQ(stats.live, live) << after;
    ASSERT_EQ(stats.live + stats.cached + stats.retired + stats.free, stats.slabs * stats.objects_per_slab) << after;
    ASSERT_EQ(table.cache().CheckInvariants(), absl::OkStatus()) << after;
    ASSERT_EQ(table.arena().CheckInvariants(), absl::OkStatus()) << after;
    ASSERT_EQ(table.arena().units_held(), stats.slabs) << after;
    for (size_t i = 0; i < kItems; ++i) ASSERT_TRUE(table.Read(i)) << after;
    ASSERT_EQ(table.violations(), 0u) << after;
  };
  const auto fill = [&] {
    for (size_t i = 0; i < kItems; ++i) {
      if (there[i]) continue;
      there[i] = table.Create(i);
      if (!there[i]) ++*refused;
      if (there[i]) ++live;
    }
  };
  fill();
  expect_sound("filling");
  for (size_t i = 0; i < kItems; ++i) {
    if (!there[i] || i % 4 == 0) continue;
    i % 2 == 0 ? table.RemoveRcu(i) : table.RemoveNow(i);
    there[i] = false;
    --live;
  }
  table.cache().FreeRcuBarrier();
  expect_sound("freeing");
  table.cache().Shrink();
  expect_sound("shrinking");
  ASSERT_TRUE(table.cache().Compact().ok());
  expect_sound("packing");
  ASSERT_TRUE(table.cache().Compact({.mode = CompactOptions::Mode::kMoveEverything, .batch_objects = 400}).ok());
  expect_sound("moving everything");
  table.cache().Shrink();
  fill();
  expect_sound("filling again");
}

TEST_F(PageFaultInjectionTest, EveryNewSlabOfAWorkloadMayFail) {
  size_t runs_with_refusals = 0;
  const size_t points = tests::FailEachOnce(faults_, [&] {
    size_t refused = 0;
    RunWorkload(faults_, &refused);
    EXPECT_LE(refused, 1u) << "the allocation after the one that failed succeeds";
    runs_with_refusals += refused;
  });
  EXPECT_GE(runs_with_refusals, 10u) << "the workload needs slabs at both fillings";
  EXPECT_GT(points, runs_with_refusals) << "a pass that wants new slabs does without";
}

TEST_F(PageFaultInjectionTest, ThreadsSurviveAPageSourceThatOftenFails) {
  const auto arena = MakeArena();
  const auto cache = MakeCache(*arena);
  faults_.Arm({.probability = 60, .seed = 5});
  {
    tests::ThreadGroup threads;
    for (int t = 0; t < 4; ++t) {
      threads.Start("allocator", [&] {
        for (int round = 0; round < 20; ++round) {
          std::vector<void*> objects;
          for (int i = 0; i < 200; ++i) {
            if (void* object = cache->Allocate()) objects.push_back(object);
          }
          for (size_t i = 0; i < objects.size(); ++i) {
            i % 8 == 0 ? cache->FreeRcu(objects[i]) : cache->Free(objects[i]);
          }
          if (round % 4 == 0) cache->Shrink();
        }
      });
    }
  }
  EXPECT_GT(faults_.GetCounters().failures, 0u);
  EXPECT_LT(faults_.GetCounters().failures, faults_.GetCounters().calls);
  cache->FreeRcuBarrier();
  EXPECT_EQ(cache->Stats().live, 0u);
  EXPECT_EQ(cache->CheckInvariants(), absl::OkStatus());
  EXPECT_EQ(arena->CheckInvariants(), absl::OkStatus());
}

}  // namespace
}  // namespace mxa::slab
