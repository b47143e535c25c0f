// SPDX-License-Identifier: Apache-2.0
//
// Caches as sources of memory: what they say is idle, and what they give back.
#include "slab/cache_source.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "reclaim/background.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "slab/pinned_caches.h"
#include "tests/support/handle_table.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

using test::HandleTable;

constexpr size_t kItems = 20'000;

void FillSparsely(HandleTable& table, size_t nth = 10) {
  for (size_t i = 0; i < kItems; ++i) ASSERT_TRUE(table.Create(i));
  for (size_t i = 0; i < kItems; ++i) {
    if (i % nth != 0) table.RemoveRcu(i);
  }
  table.cache().FreeRcuBarrier();
}

void ExpectSound(HandleTable& table) {
  EXPECT_TRUE(table.cache().CheckInvariants().ok()) << table.cache().CheckInvariants();
  EXPECT_EQ(table.violations(), 0u);
}

std::unique_ptr<Cache> MakePlain(Arena& arena, const std::string& name) {
  return Cache::Create({.name = name,
                        .object_size = 4096,
                        .arena = &arena,
                        .sheaf_capacity = 1,
                        .empty_slab_delay = absl::InfiniteDuration()})
      .value();
}

// Leaves `cache` with empty slabs.
void Empty(Cache& cache, size_t objects) {
  std::vector<void*> all(objects);
  ASSERT_TRUE(cache.AllocateBulk(absl::MakeSpan(all)));
  cache.FreeBulk(all);
}

TEST(CacheSourceTest, AMovableCacheGivesBackWhatAPassCanEmpty) {
  HandleTable table({.slots = kItems, .sheaf_capacity = 1});
  FillSparsely(table);
  CacheSource source(table.cache());
  EXPECT_EQ(source.cost(), reclaim::ReclaimCost::kMoves);
  EXPECT_EQ(source.name(), table.cache().name());
  const CacheStats before = table.cache().Stats();
  const reclaim::ReclaimHeld held = source.Held();
  EXPECT_EQ(held.held_bytes, before.slabs * kUnitSize);
  EXPECT_GT(held.idle_bytes, held.held_bytes * 3 / 4);
  EXPECT_LE(held.idle_bytes, (before.slabs - before.slabs_needed()) * kUnitSize);
  const uint64_t gained = source.Reclaim({}).bytes;
  EXPECT_EQ(gained, (before.slabs - table.cache().Stats().slabs) * kUnitSize);
  EXPECT_GE(gained, held.idle_bytes);
  EXPECT_EQ(source.Held().idle_bytes, 0u);
  EXPECT_EQ(source.Reclaim({}).bytes, 0u);
  ExpectSound(table);
}

TEST(CacheSourceTest, CutsItsWorkIntoSlices) {
  HandleTable table({.slots = kItems, .sheaf_capacity = 1});
  FillSparsely(table, 4);
  CacheSource source(table.cache());
  const uint64_t idle = source.Held().idle_bytes;
  const reclaim::ReclaimBudget budget{.slice = absl::Nanoseconds(1)};
  uint64_t gained = source.Reclaim(budget).bytes;
  EXPECT_GT(gained, 0u);
  EXPECT_LT(gained, idle / 2);
  EXPECT_EQ(table.cache().TotalCompactStats().batches, 1u);
  for (int slices = 0; slices < 100 && source.Held().idle_bytes > 0; ++slices) gained += source.Reclaim(budget).bytes;
  EXPECT_GE(gained, idle);
  EXPECT_EQ(source.Held().idle_bytes, 0u);
  ExpectSound(table);
}

TEST(CacheSourceTest, APassDoesNoMoreThanIsWanted) {
  HandleTable table({.slots = kItems, .sheaf_capacity = 1});
  FillSparsely(table);
  CacheSource source(table.cache());
  const uint64_t idle = source.Held().idle_bytes;
  constexpr uint64_t kWanted = 5 * kUnitSize;
  ASSERT_GT(idle, 4 * kWanted);
  const uint64_t gained = source.Reclaim({.wanted_bytes = kWanted}).bytes;
  EXPECT_GE(gained, kWanted);
  EXPECT_LE(gained, 2 * kWanted);
  EXPECT_EQ(source.Held().idle_bytes, idle - gained);
  ExpectSound(table);
}

TEST(CacheSourceTest, ACancelReachesThePass) {
  HandleTable table({.slots = kItems, .sheaf_capacity = 1});
  FillSparsely(table);
  CacheSource source(table.cache());
  const std::atomic<bool> cancel{true};
  EXPECT_EQ(source.Reclaim({.cancel = &cancel}).bytes, 0u);
  EXPECT_EQ(table.cache().TotalCompactStats().passes, 0u);
  // One that comes while it moves.
  class Canceller : public reclaim::Movable {
   public:
    bool CanFree(absl::Span<void*>) override { return cancel.exchange(true) ? false : true; }
    void Reclaim(absl::Span<void*> objects, reclaim::MoveTarget& target) override {
      saw_it = target.unpin_only();
      for (void* object : objects) target.Settle(object, reclaim::MoveResult::kBusy);
    }
    std::atomic<bool> cancel{false};
    bool saw_it = false;
  } canceller;
  auto cache = Cache::Create({.name = "c",
                              .object_size = 4096,
                              .constructor = [](void*) {},
                              .movable = &canceller,
                              .arena = &table.arena(),
                              .sheaf_capacity = 1})
                   .value();
  std::vector<void*> all(300);
  ASSERT_TRUE(cache->AllocateBulk(absl::MakeSpan(all)));
  for (size_t i = 0; i < all.size(); ++i) {
    if (i % 4 != 0) cache->Free(all[i]);
  }
  EXPECT_EQ(CacheSource(*cache).Reclaim({.cancel = &canceller.cancel}).bytes, 0u);
  EXPECT_TRUE(canceller.saw_it);
  EXPECT_EQ(cache->TotalCompactStats().passes, 1u);
  for (size_t i = 0; i < all.size(); i += 4) cache->Free(all[i]);
}

TEST(CacheSourceTest, AnyOtherCacheGivesBackItsEmptySlabs) {
  auto arena = Arena::Create({.reserve_bytes = size_t{64} << 20}).value();
  const auto cache = MakePlain(*arena, "plain");
  Empty(*cache, 300);
  CacheSource source(*cache);
  EXPECT_EQ(source.cost(), reclaim::ReclaimCost::kGivesBack);
  EXPECT_GT(source.Held().idle_bytes, 0u);
  EXPECT_LE(source.Held().idle_bytes, source.Held().held_bytes);
  const uint64_t held = source.Held().held_bytes;
  EXPECT_EQ(source.Reclaim({}).bytes, held);
  EXPECT_EQ(arena->units_held(), 0u);
}

TEST(ArenaSourceTest, WorksOnTheCacheWithTheMostIdleMemoryFirst) {
  HandleTable table({.slots = kItems, .sheaf_capacity = 1});
  FillSparsely(table);
  const auto small = MakePlain(table.arena(), "small");
  Empty(*small, 20);
  ArenaSource source(table.arena(), "all");
  const reclaim::ReclaimHeld before = source.Held();
  EXPECT_EQ(before.held_bytes, table.arena().units_held() * kUnitSize);
  const uint64_t first = source.Reclaim({}).bytes;
  EXPECT_EQ(table.cache().TotalCompactStats().passes, 1u);
  EXPECT_GT(small->Stats().empty_slabs, 0u) << "not its turn";
  const uint64_t second = source.Reclaim({}).bytes;
  EXPECT_EQ(small->Stats().slabs, 0u);
  EXPECT_EQ(source.Held().held_bytes, before.held_bytes - first - second);
  EXPECT_EQ(source.Reclaim({}).bytes, 0u);
  ExpectSound(table);
}

TEST(ArenaSourceTest, OneThatGivesNothingKeepsNobodyFromTheOthers) {
  HandleTable table({.slots = kItems, .sheaf_capacity = 1});
  FillSparsely(table);
  table.refuse = true;
  const auto small = MakePlain(table.arena(), "small");
  Empty(*small, 20);
  ArenaSource source(table.arena(), "all");
  EXPECT_GT(source.Reclaim({}).bytes, 0u) << "in the same slice";
  EXPECT_EQ(small->Stats().slabs, 0u);
  EXPECT_EQ(table.cache().TotalCompactStats().passes, 1u);
  EXPECT_EQ(source.Reclaim({}).bytes, 0u);
  EXPECT_EQ(table.cache().TotalCompactStats().passes, 1u) << "left out";
  table.refuse = false;
  EXPECT_GT(source.Reclaim({}).bytes, 0u) << "tried again when nobody else is left";
  ExpectSound(table);
}

TEST(ArenaSourceTest, OtherArenasAreNotItsBusiness) {
  HandleTable table({.slots = kItems});
  HandleTable other({.slots = kItems});
  FillSparsely(other);
  ArenaSource source(table.arena(), "one");
  EXPECT_EQ(source.Held().idle_bytes, 0u);
  EXPECT_EQ(source.Reclaim({}).bytes, 0u);
  EXPECT_EQ(other.cache().TotalCompactStats().passes, 0u);
}

TEST(ArenaSourceTest, TheReclaimersThreadMakesMemoryFollowTheLoad) {
  HandleTable table({.slots = kItems, .sheaf_capacity = 1});
  FillSparsely(table);
  reclaim::BackgroundReclaimer reclaimer({.idle_start_bytes = 4 * kUnitSize,
                                          .idle_stop_bytes = kUnitSize,
                                          .duty_percent = 100,
                                          .period = absl::Milliseconds(1)});
  ArenaSource source(table.arena(), "all");
  const reclaim::SourceHandle handle = reclaimer.AddSource(source);
  ASSERT_TRUE(reclaimer.Start().ok());
  const absl::Time end = absl::Now() + absl::Seconds(30);
  while (source.Held().idle_bytes > kUnitSize && absl::Now() < end) absl::SleepFor(absl::Milliseconds(1));
  reclaimer.Stop();
  const CacheStats stats = table.cache().Stats();
  EXPECT_LE(stats.slabs, stats.slabs_needed() + 1);
  EXPECT_GT(reclaimer.Status().totals.idle_bytes, 10 * kUnitSize);
  ExpectSound(table);
}

TEST(PinnedCachesTest, ACacheIsNotDestroyedWhileSomebodyIsAtIt) {
  auto arena = Arena::Create({.reserve_bytes = size_t{64} << 20}).value();
  auto cache = MakePlain(*arena, "short-lived");
  std::atomic<bool> gone{false};
  bool too_early = false;
  tests::ThreadGroup threads;
  int visits = 0;
  ForEachPinnedCache(*arena, [&](CacheCore& core) {
    ++visits;
    threads.Start("destroyer", [&] {
      cache.reset();
      gone = true;
    });
    for (int i = 0; i < 20'000 && !gone; ++i) std::this_thread::yield();
    too_early = gone;
    core.Shrink();
    return true;
  });
  threads.JoinAll();
  EXPECT_FALSE(too_early);
  EXPECT_TRUE(gone);
  EXPECT_EQ(visits, 1);
  ForEachPinnedCache(*arena, [&](CacheCore&) { return ++visits > 0; });
  EXPECT_EQ(visits, 1);
}

TEST(PinnedCachesTest, EndsWhenTold) {
  auto arena = Arena::Create({.reserve_bytes = size_t{64} << 20}).value();
  const auto one = MakePlain(*arena, "one");
  const auto two = MakePlain(*arena, "two");
  std::vector<std::string> seen;
  ForEachPinnedCache(*arena, [&](CacheCore& core) {
    seen.push_back(core.options().name);
    return false;
  });
  EXPECT_EQ(seen, std::vector<std::string>{"one"});
}  // would hang here, if it had kept its pin

TEST(PinnedCachesThreadsTest, CachesComeAndGoWhileTheirArenaIsReclaimed) {
  auto arena = Arena::Create({.reserve_bytes = size_t{256} << 20}).value();
  std::atomic<bool> done{false};
  tests::ThreadGroup reclaiming;
  for (int i = 0; i < 2; ++i) {
    reclaiming.Start("reclaiming", [&] {
      ArenaSource source(*arena, "all");
      while (!done) {
        static_cast<void>(source.Held());
        static_cast<void>(source.Reclaim({}));
      }
    });
  }
  tests::ThreadGroup making;
  for (int i = 0; i < 2; ++i) {
    making.Start("making", [&] {
      for (int round = 0; round < 150; ++round) {
        const auto cache = MakePlain(*arena, "short-lived");
        Empty(*cache, 64);
      }
    });
  }
  making.JoinAll();
  done = true;
  reclaiming.JoinAll();
  EXPECT_EQ(arena->units_held(), 0u);
  EXPECT_TRUE(arena->CheckInvariants().ok()) << arena->CheckInvariants();
}

}  // namespace
}  // namespace mxa::slab
