// SPDX-License-Identifier: Apache-2.0
//
// Property: a snapshot of caches at rest accounts for every object, and its map for every slab.
#include "slab/observe/snapshot.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "tests/support/thread_group.h"

namespace mxa::slab::observe {
namespace {

// The newest cache of this name.
CacheSnapshot Find(const Snapshot& snapshot, const std::string& name) {
  CacheSnapshot found;
  for (const CacheSnapshot& cache : snapshot.caches) {
    if (cache.name == name) found = cache;
  }
  EXPECT_EQ(found.name, name);
  return found;
}

size_t CountUnits(const CacheSnapshot& cache, absl::string_view kinds) {
  size_t count = 0;
  for (const RegionMap& map : cache.map) {
    count += static_cast<size_t>(std::count_if(map.units.begin(), map.units.end(),
                                               [&](char unit) { return kinds.find(unit) != absl::string_view::npos; }));
  }
  return count;
}

TEST(OccupancyStepTest, SeparatesEmptyAndFullFromTenths) {
  EXPECT_EQ(OccupancyStep(0, 341), 0u);
  EXPECT_EQ(OccupancyStep(1, 341), 1u);
  EXPECT_EQ(OccupancyStep(34, 341), 1u);
  EXPECT_EQ(OccupancyStep(35, 341), 2u);
  EXPECT_EQ(OccupancyStep(340, 341), 10u);
  EXPECT_EQ(OccupancyStep(341, 341), 11u);
  EXPECT_EQ(OccupancyStep(1, 1), 11u);
}

TEST(MapOfTest, PutsEachSlabInItsPlace) {
  const std::vector<SlabView> slabs = {
      {.region = 5, .live = 0, .capacity = 10, .first_unit = 31, .units = 1, .state = SlabState::kListed},
      {.region = 2, .live = 10, .capacity = 10, .first_unit = 4, .units = 4, .state = SlabState::kListed},
      {.region = 2, .live = 9, .capacity = 10, .first_unit = 0, .units = 2, .state = SlabState::kListed},
      {.region = 2, .live = 1, .capacity = 100, .first_unit = 2, .units = 1, .state = SlabState::kListed},
      {.region = 2, .live = 3, .capacity = 10, .first_unit = 16, .units = 2, .state = SlabState::kIsolated},
  };
  const std::vector<RegionMap> maps = MapOf(slabs, {0, 0, 20});
  ASSERT_EQ(maps.size(), 2u);
  EXPECT_EQ(maps[0].region, 2u);
  EXPECT_EQ(maps[0].units_used, 20u);
  EXPECT_EQ(maps[0].units, "9-0.#---........*-..............");
  EXPECT_EQ(maps[1].region, 5u);
  EXPECT_EQ(maps[1].units_used, 0u);
  EXPECT_EQ(maps[1].units, "..............................._");
}

TEST(SnapshotTest, AccountsForEveryObjectAtRest) {
  auto arena = Arena::Create({.reserve_bytes = size_t{64} << 20}).value();
  auto cache = Cache::Create({.name = "counted", .object_size = 100, .alignment = 64, .arena = arena.get()}).value();
  std::vector<void*> objects;
  for (int i = 0; i < 3000; ++i) {
    objects.push_back(cache->Allocate());
    std::memset(objects.back(), 1, 100);  // resident
  }
  for (int i = 0; i < 1000; ++i) cache->Free(objects[static_cast<size_t>(i)]);
  for (int i = 1000; i < 1010; ++i) cache->FreeRcu(objects[static_cast<size_t>(i)]);

  const Snapshot snapshot = TakeSnapshot();
  const CacheSnapshot counted = Find(snapshot, "counted");
  EXPECT_EQ(counted.stats.live, 1990u);
  EXPECT_EQ(counted.stats.live + counted.stats.cached + counted.stats.retired + counted.stats.free, counted.objects());
  EXPECT_EQ(counted.active(), 1990u + counted.stats.retired);
  EXPECT_GT(counted.stats.cached, 0u);
  EXPECT_EQ(counted.shape.object_size, 100u);
  EXPECT_EQ(counted.shape.stride, 128u);
  EXPECT_EQ(counted.shape.objects_per_slab, 512u);
  EXPECT_EQ(counted.slab_bytes, kUnitSize);
  EXPECT_FALSE(counted.shape.movable);
  EXPECT_EQ(counted.stats.slabs, 6u);
  EXPECT_EQ(std::accumulate(counted.occupancy.begin(), counted.occupancy.end(), uint64_t{0}), 6u);
  EXPECT_EQ(CountUnits(counted, "_0123456789#*"), 6u);
  EXPECT_EQ(snapshot.page_size, 4096u);

  const ArenaSnapshot& its_arena = snapshot.arenas.at(counted.arena);
  EXPECT_EQ(its_arena.reserved_bytes, arena->reserved_bytes());
  EXPECT_EQ(its_arena.units_held, 6u);
  EXPECT_EQ(its_arena.regions_held, 1u);
  EXPECT_THAT(its_arena.units_used, testing::ElementsAre(6));
  EXPECT_GE(its_arena.object_bytes, size_t{2900} * 128);
  for (size_t i = 1010; i < objects.size(); ++i) cache->Free(objects[i]);
}

TEST(SnapshotTest, ShowsSlabsOfSeveralUnits) {
  auto arena = Arena::Create({.reserve_bytes = size_t{64} << 20}).value();
  auto cache = Cache::Create({.name = "large", .object_size = 60'000, .arena = arena.get()}).value();
  void* object = cache->Allocate();
  const CacheSnapshot large = Find(TakeSnapshot(), "large");
  EXPECT_EQ(large.slab_bytes, 8 * kUnitSize);
  ASSERT_EQ(large.map.size(), 1u);
  EXPECT_EQ(large.map[0].units_used, 8u);
  EXPECT_EQ(CountUnits(large, "-"), 7u);
  EXPECT_EQ(CountUnits(large, "."), 24u);
  cache->Free(object);
}

TEST(SnapshotTest, CountsAnArenaOfTwoCachesOnce) {
  auto arena = Arena::Create({.reserve_bytes = size_t{64} << 20}).value();
  auto one = Cache::Create({.name = "one", .object_size = 64, .arena = arena.get()}).value();
  auto other = Cache::Create({.name = "other", .object_size = 64}).value();
  auto two = Cache::Create({.name = "two", .object_size = 64, .arena = arena.get()}).value();
  const Snapshot snapshot = TakeSnapshot();
  EXPECT_EQ(Find(snapshot, "one").arena, Find(snapshot, "two").arena);
  EXPECT_NE(Find(snapshot, "one").arena, Find(snapshot, "other").arena);
}

// Snapshots of caches that come, go and are used meanwhile.
TEST(SnapshotTest, CanBeTakenWhileCachesComeAndGo) {
  std::atomic<bool> stop{false};
  tests::ThreadGroup threads;
  threads.Start("maker", [&] {
    for (int round = 0; round < 50; ++round) {
      auto cache = Cache::Create({.name = "fleeting", .object_size = 256}).value();
      std::vector<void*> objects;
      for (int i = 0; i < 500; ++i) objects.push_back(cache->Allocate());
      for (void* object : objects) cache->FreeRcu(object);
    }
    stop.store(true, std::memory_order_relaxed);
  });
  while (!stop.load(std::memory_order_relaxed)) {
    for (const CacheSnapshot& cache : TakeSnapshot().caches) EXPECT_LE(cache.stats.live, cache.objects());
  }
  threads.JoinAll();
}

}  // namespace
}  // namespace mxa::slab::observe
