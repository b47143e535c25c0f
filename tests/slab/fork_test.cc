// SPDX-License-Identifier: Apache-2.0
//
// After a fork the child uses, compacts, shrinks and destroys caches, whatever the threads that it has not got were
// doing in them; and the parent goes on.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/schedule_point.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "slab/cache_core.h"
#include "slab/cache_registry.h"
#include "slab/pinned_caches.h"
#include "tests/support/fork_child.h"
#include "tests/support/handle_table.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

using test::HandleTable;
using tests::InChild;
using tests::Random;
using tests::ThreadGroup;

std::atomic<size_t> destroyed{0};

class CacheForkTest : public testing::Test {
 protected:
  CacheForkTest() { destroyed = 0; }

  std::unique_ptr<Cache> Make(const std::string& name, size_t object_size = 64) {
    return Cache::Create({.name = name,
                          .object_size = object_size,
                          .constructor = [](void*) {},
                          .rcu_destructor = [](void*) { ++destroyed; },
                          .arena = arena_.get(),
                          .sheaf_capacity = 16})
        .value();
  }

  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = size_t{256} << 20, .min_reserve_bytes = kRegionSize}).value();
};

// Does `work` on a thread of its own, which then stays until the end.
class IdleThread {
 public:
  explicit IdleThread(std::function<void()> work) {
    threads_.Start("idle", [this, work = std::move(work)] {
      work();
      done_ = true;
      reclaim::OfflineScope offline;
      while (!end_) std::this_thread::yield();
    });
    while (!done_) std::this_thread::yield();
  }
  ~IdleThread() {
    end_ = true;
    threads_.JoinAll();
  }

 private:
  std::atomic<bool> done_{false};
  std::atomic<bool> end_{false};
  ThreadGroup threads_;
};

TEST_F(CacheForkTest, SheavesOfThreadsThatAreGoneComeBack) {
  auto cache = Make("orphans");
  void* kept = nullptr;
  IdleThread idle([&] {
    std::vector<void*> objects(100);
    for (void*& object : objects) object = cache->Allocate();
    kept = objects.back();
    for (size_t i = 0; i < 94; ++i) cache->Free(objects[i]);
    for (size_t i = 94; i < 99; ++i) cache->FreeRcu(objects[i]);
  });
  const CacheStats before = cache->Stats();
  ASSERT_GT(before.cached, 16u);
  EXPECT_EQ(InChild([&] {
              const CacheStats at_once = cache->Stats();
              // The barn's full sheaves are the cache's, not a thread's.
              if (at_once.cached % 16 != 0) return absl::StrFormat("%d still in sheaves", at_once.cached);
              if (at_once.live != 1 || at_once.retired != 5) {
                return absl::StrFormat("%d live, %d retired", at_once.live, at_once.retired);
              }
              cache->FreeRcuBarrier();
              if (destroyed != 5) return absl::StrFormat("%d destroyed", destroyed.load());
              if (cache->Stats().retired != 0) return std::string("still retired");
              cache->Free(kept);
              if (!cache->CheckInvariants().ok()) return cache->CheckInvariants().ToString();
              cache.reset();
              arena_.reset();
              return std::string();
            }),
            "");
  EXPECT_EQ(cache->Stats().cached, before.cached);
  EXPECT_EQ(destroyed, 0u);
  cache->Free(kept);
}

TEST_F(CacheForkTest, TheForkingThreadKeepsItsSheaves) {
  auto cache = Make("own");
  cache->Free(cache->Allocate());
  const CacheStats before = cache->Stats();
  EXPECT_EQ(InChild([&] {
              if (cache->Stats().cached != before.cached) return std::string("its sheaves are gone");
              cache->Free(cache->Allocate());
              return cache->CheckInvariants().ok() ? std::string() : cache->CheckInvariants().ToString();
            }),
            "");
}

TEST_F(CacheForkTest, ThreadsOfTheChildGetSheavesOfTheirOwn) {
  auto cache = Make("threads");
  IdleThread idle([&] { cache->Free(cache->Allocate()); });
  EXPECT_EQ(InChild([&] {
              {
                IdleThread another([&] {
                  void* object = cache->Allocate();
                  cache->Free(cache->Allocate());
                  cache->FreeRcu(object);
                });
                cache->FreeRcuBarrier();
              }
              if (destroyed != 1) return std::string("not destroyed");
              return cache->CheckInvariants().ok() ? std::string() : cache->CheckInvariants().ToString();
            }),
            "");
}

// Its threads, and what they look after, have not come along. The parent's thread is idle for too short a time to be
// parked before the fork.
TEST_F(CacheForkTest, TheChildHasAHousekeeperOfItsOwn) {
  auto cache = Cache::Create({.name = "kept",
                              .object_size = 64,
                              .rcu_destructor = [](void*) { ++destroyed; },
                              .arena = arena_.get(),
                              .rcu_free_delay = absl::Milliseconds(10),
                              .idle_delay = absl::Seconds(1)})
                   .value();
  cache->Free(cache->Allocate());
  EXPECT_EQ(InChild([&] {
              const uint64_t drains = cache->Stats().counts[Count::kIdleDrain];
              cache->Free(cache->Allocate());  // would be by the fast way, unseen
              while (cache->Stats().counts[Count::kIdleDrain] == drains) absl::SleepFor(absl::Milliseconds(5));
              if (cache->Stats().cached != 0) return std::string("an idle thread still holds objects");
              cache->FreeRcu(cache->Allocate());
              while (destroyed == 0) absl::SleepFor(absl::Milliseconds(5));
              return std::string();
            }),
            "");
}

// A drain, or an allocation that looks for memory, keeps all threads slow for a while.
TEST_F(CacheForkTest, TheChildIsNotSlowForThreadsThatAreGone) {
  CacheCore cache({.name = "drained", .object_size = 64, .arena = arena_.get()});
  cache.Free(cache.Allocate(AllocFlags::kNone));
  {
    IdleThread drains([&] { cache.BeginSlow(); });
    EXPECT_EQ(InChild([&] { return cache.CheckInvariants().ok() ? "" : cache.CheckInvariants().ToString(); }), "");
  }
  cache.EndSlow();
  EXPECT_TRUE(cache.CheckInvariants().ok()) << cache.CheckInvariants();
}

// Whoever looks at all caches holds a lock that the child's first cache needs.
TEST_F(CacheForkTest, AForkWaitsForAVisitorOfAllCaches) {
  auto cache = Make("visited");
  std::atomic<bool> visiting{false};
  std::atomic<bool> may_go{false};
  ThreadGroup threads;
  threads.Start("visitor", [&] {
    ForEachCache([&](Cache& visited) {
      if (&visited != cache.get()) return;
      visiting = true;
      for (int i = 0; i < 1000 && !may_go; ++i) std::this_thread::yield();
      visited.Stats();
    });
  });
  while (!visiting) std::this_thread::yield();
  EXPECT_EQ(InChild([&] {
              cache.reset();
              auto own = Make("the child's");
              size_t caches = 0;
              ForEachCache([&](Cache& visited) { caches += visited.name() == "the child's" ? 1 : 0; });
              return caches == 1 ? std::string() : absl::StrFormat("its cache is listed %d times", caches);
            }),
            "");
  may_go = true;
  threads.JoinAll();
}

#if MXA_HOOKS
std::atomic<bool> g_pass_stands{false};
std::atomic<bool> g_pass_may_go{false};

// The pass stands where it has moved half of what it wants to until the fork waits for it, or could have gone by.
TEST_F(CacheForkTest, AForkWaitsForThePassUnderWay) {
  constexpr size_t kItems = 5000;
  HandleTable table({.slots = kItems});
  for (size_t i = 0; i < kItems; ++i) ASSERT_TRUE(table.Create(i));
  for (size_t i = 0; i < kItems; ++i) {
    if (i % 5 != 0) table.RemoveRcu(i);
  }
  table.cache().FreeRcuBarrier();
  g_pass_stands = g_pass_may_go = false;
  SetScheduleHandlerForTest([](const char* point) {
    if (std::string(point) != "pass.after_isolate") return;
    g_pass_stands = true;
    for (int i = 0; i < 1000 && !g_pass_may_go; ++i) std::this_thread::yield();
  });
  ThreadGroup threads;
  threads.Start("pass", [&] { table.cache().Compact().value(); });
  while (!g_pass_stands) std::this_thread::yield();
  EXPECT_EQ(InChild([&] {
              g_pass_may_go = true;
              if (!table.cache().CheckInvariants().ok()) return table.cache().CheckInvariants().ToString();
              if (table.cache().TotalCompactStats().passes != 1) return std::string("the pass has not ended");
              return table.cache().Compact().ok() ? std::string() : std::string("no pass in the child");
            }),
            "");
  g_pass_may_go = true;
  threads.JoinAll();
  SetScheduleHandlerForTest(nullptr);
}
#endif

// Allocates and frees, and tells which objects it has: at a fork at most one more, or one less.
class Hammer {
 public:
  Hammer(Cache& cache, uint64_t seed) : cache_(cache), random_(seed), objects_(300) {}

  void Step() {
    std::atomic<void*>& place = objects_[random_.Below(objects_.size())];
    if (void* object = place.load()) {
      place = nullptr;
      random_.OneIn(2) ? cache_.Free(object) : cache_.FreeRcu(object);
    } else {
      place = cache_.Allocate();
    }
  }
  size_t FreeAll() {
    size_t count = 0;
    for (std::atomic<void*>& place : objects_) {
      if (void* object = place.exchange(nullptr)) {
        ++count;
        cache_.Free(object);
      }
    }
    return count;
  }

 private:
  Cache& cache_;
  Random random_;
  std::vector<std::atomic<void*>> objects_;
};

TEST_F(CacheForkTest, ForksAmongThreadsAtWork) {
  constexpr size_t kItems = 1000;
  constexpr size_t kHammers = 4;
  const uint64_t seed = tests::TestSeed(1);
  SCOPED_TRACE(absl::StrFormat("seed %d", seed));
  Random random(seed);
  HandleTable table({.slots = kItems, .sheaf_capacity = 16});
  auto cache = Make("hammered");
  std::vector<std::unique_ptr<Hammer>> hammers;
  std::atomic<bool> end{false};
  ThreadGroup threads;
  tests::StartBarrier all_here(kHammers + 4);  // Abseil has a lock of its own for the birth of threads
  const absl::Cleanup at_end = [&] {           // also when an assertion fails
    end = true;
    threads.JoinAll();
    for (const auto& hammer : hammers) hammer->FreeAll();
  };
  for (size_t i = 0; i < kHammers; ++i) {
    hammers.push_back(std::make_unique<Hammer>(*cache, random.Next()));
    threads.Start("hammer", [&end, &all_here, hammer = hammers.back().get()] {
      all_here.Await();
      for (int i = 0; !end; ++i) {
        hammer->Step();
        if (i % 100 == 0) std::this_thread::yield();
      }
    });
  }
  threads.Start("pass", [&] {
    all_here.Await();
    while (!end) {
      table.cache().Compact({.mode = CompactOptions::Mode::kMoveEverything}).IgnoreError();
      std::this_thread::yield();
    }
  });
  threads.Start("reader", [&] {
    all_here.Await();
    for (size_t i = 0; !end; i = (i + 1) % kItems) {
      table.Read(i);
      if (i % 10 == 0) std::this_thread::yield();
    }
  });
  threads.Start("counts", [&] {
    all_here.Await();
    while (!end) {
      cache->Stats();
      cache->Shrink();
      std::this_thread::yield();
    }
  });
  auto child = [&]() -> std::string {
    const CacheStats stats = cache->Stats();
    for (const Cache* each : {cache.get(), &table.cache()}) {
      if (absl::Status status = each->CheckInvariants(); !status.ok()) return status.ToString();
    }
    // What every thread does, and what it may wait for.
    void* object = cache->Allocate();
    if (object == nullptr) return "no object";
    cache->FreeRcu(object);
    IdleThread another([&] { cache->FreeRcu(cache->Allocate()); });
    cache->FreeRcuBarrier();
    if (cache->Stats().retired != 0) return "something is still retired";
    size_t freed = 0;
    for (const auto& hammer : hammers) freed += hammer->FreeAll();
    if (stats.live < freed || stats.live > freed + kHammers) {
      return absl::StrFormat("%d live, %d with their users", stats.live, freed);
    }
    for (size_t i = 0; i < kItems; i += 2) table.RemoveRcu(i);
    if (!table.cache().Compact().ok()) return "no pass";
    table.cache().Shrink();
    for (size_t i = 0; i < kItems; ++i) {
      if (!table.Read(i)) return "an item is damaged";
    }
    if (table.violations() != 0) return "CanFree was shown what is free";
    cache->Shrink();
    for (const Cache* each : {cache.get(), &table.cache()}) {
      if (absl::Status status = each->CheckInvariants(); !status.ok()) return status.ToString();
    }
    if (cache->Stats().live != stats.live - freed) return "live objects have changed";
    if (table.cache().Stats().live != kItems / 2) return "items are missing";
    return "";
  };
  all_here.Await();
  const auto start = std::chrono::steady_clock::now();
  for (int round = 0; round < 20 && std::chrono::steady_clock::now() - start < std::chrono::seconds(10); ++round) {
    for (size_t i = 0; i < kItems; ++i) {
      ASSERT_TRUE(table.Peek(i) != nullptr || table.Create(i));
    }
    ASSERT_EQ(InChild(child), "") << "round " << round;
    for (size_t i = 0; i < kItems; ++i) {
      if (random.OneIn(3)) table.RemoveRcu(i);
    }
  }
  end = true;
  threads.JoinAll();
  for (const auto& hammer : hammers) hammer->FreeAll();
  cache->FreeRcuBarrier();
  EXPECT_EQ(cache->Stats().live, 0u);
  EXPECT_TRUE(cache->CheckInvariants().ok()) << cache->CheckInvariants();
  EXPECT_TRUE(table.cache().CheckInvariants().ok()) << table.cache().CheckInvariants();
  EXPECT_EQ(table.violations(), 0u);
}

// Another thread looks after it at the fork, and is not there in the child to leave it.
TEST_F(CacheForkTest, TheChildDestroysACacheThatSomebodyWasLookingAfter) {
  auto cache = Make("looked after");
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  ThreadGroup threads;
  threads.Start("looking", [&] {
    ForEachPinnedCache(*arena_, [&](CacheCore&) {
      inside = true;
      while (!leave) std::this_thread::yield();
      return true;
    });
  });
  while (!inside) std::this_thread::yield();
  EXPECT_EQ(InChild([&]() -> std::string {
              cache.reset();
              return arena_->units_held() == 0 ? "" : "memory is left";
            }),
            "");
  leave = true;
  threads.JoinAll();
  cache.reset();
}

}  // namespace
}  // namespace mxa::slab
