// SPDX-License-Identifier: Apache-2.0
//
// Threads and caches come and go in any order: each gives back what it held, and nobody keeps a place in a cache that
// is gone.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "slab/thread_registry.h"

namespace mxa::slab {
namespace {

std::atomic<size_t> destroyed{0};

class CacheThreadsTest : public testing::Test {
 protected:
  CacheThreadsTest() { destroyed = 0; }

  std::unique_ptr<Cache> Make(size_t object_size = 64) {
    return Cache::Create({.name = "thing",
                          .object_size = object_size,
                          .rcu_destructor = [](void*) { ++destroyed; },
                          .arena = arena_.get(),
                          .sheaf_capacity = 16})
        .value();
  }
  static void Use(Cache& cache, size_t objects) {
    std::vector<void*> taken(objects);
    for (void*& object : taken) object = cache.Allocate();
    for (void* object : taken) cache.Free(object);
  }

  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = size_t{64} << 20, .min_reserve_bytes = kRegionSize}).value();
};

// Runs what it is told, on one thread that outlives it all.
class Worker {
 public:
  ~Worker() {
    Run(nullptr);
    thread_.join();
  }
  void Run(std::function<void()> action) {
    action_ = std::move(action);
    busy_ = true;
    while (busy_) std::this_thread::yield();
  }

 private:
  void Loop() {
    for (bool end = false; !end;) {
      while (!busy_) std::this_thread::yield();
      end = action_ == nullptr;
      if (!end) action_();
      busy_ = false;
    }
  }
  std::function<void()> action_;
  std::atomic<bool> busy_{false};
  std::thread thread_{[this] { Loop(); }};
};

TEST_F(CacheThreadsTest, AThreadThatEndsGivesItsSheavesBack) {
  auto cache = Make();
  std::thread([&] {
    Use(*cache, 20);
    EXPECT_GT(cache->Stats().cached, 0u);
  }).join();
  EXPECT_EQ(cache->Stats().cached, 0u);
  EXPECT_EQ(cache->Stats().live, 0u);
  EXPECT_TRUE(cache->CheckInvariants().ok()) << cache->CheckInvariants();
}

TEST_F(CacheThreadsTest, AThreadThatEndsRetiresWhatItFreed) {
  auto cache = Make();
  std::thread([&] { cache->FreeRcu(cache->Allocate()); }).join();
  cache->FreeRcuBarrier();
  EXPECT_EQ(destroyed, 1u);
  EXPECT_EQ(cache->Stats().live + cache->Stats().retired, 0u);
}

TEST_F(CacheThreadsTest, ABarrierWaitsForWhatOtherThreadsFreed) {
  auto cache = Make();
  Worker worker;
  worker.Run([&] {
    for (int i = 0; i < 5; ++i) cache->FreeRcu(cache->Allocate());
  });
  cache->FreeRcuBarrier();
  EXPECT_EQ(destroyed, 5u) << "a part-filled sheaf of a thread that does nothing";
}

struct FreesWhenDestroyed {
  ~FreesWhenDestroyed() {
    void* another = cache->Allocate();
    cache->Free(object);
    cache->FreeRcu(another);
  }
  Cache* cache = nullptr;
  void* object = nullptr;
};

TEST_F(CacheThreadsTest, DestructorsOfThreadLocalsMayUseACache) {
  auto cache = Make();
  std::thread([&] {
    static thread_local FreesWhenDestroyed at_end;
    at_end.cache = cache.get();
    at_end.object = cache->Allocate();
  }).join();
  cache->FreeRcuBarrier();
  EXPECT_EQ(cache->Stats().live, 0u);
  EXPECT_EQ(destroyed, 1u);
}

TEST_F(CacheThreadsTest, AThreadOutlivesACacheAndUsesTheNextOne) {
  Worker worker;
  for (int round = 0; round < 20; ++round) {
    auto cache = Make(64 + 8 * static_cast<size_t>(round));
    worker.Run([&] {
      Use(*cache, 50);
      cache->FreeRcu(cache->Allocate());
    });
    EXPECT_GT(cache->Stats().cached, 0u);
    cache.reset();
    EXPECT_EQ(arena_->units_held(), 0u);
  }
  EXPECT_EQ(destroyed, 20u);
}

// More caches than have their entries in thread-local storage itself.
TEST_F(CacheThreadsTest, ManyCachesAreUsedAtOnce) {
  std::vector<std::unique_ptr<Cache>> caches;
  for (int i = 0; i < 200; ++i) caches.push_back(Make());
  Worker worker;
  const auto use_all = [&] {
    for (auto& cache : caches) Use(*cache, 5);
    for (auto& cache : caches) Use(*cache, 5);
  };
  worker.Run(use_all);
  std::thread(use_all).join();
  for (auto& cache : caches) {
    // Two sheaves' worth of the worker, filled once; those of the other thread are back.
    EXPECT_EQ(cache->Stats().cached, 16u);
    EXPECT_EQ(cache->Stats().counts[Count::kRefill], 2u) << "one of each thread: the rest came from its sheaves";
    EXPECT_TRUE(cache->CheckInvariants().ok()) << cache->CheckInvariants();
  }
  // The first ones' places are taken over.
  for (int i = 0; i < 100; ++i) caches[static_cast<size_t>(i)] = Make();
  worker.Run(use_all);
  for (auto& cache : caches) EXPECT_EQ(cache->Stats().cached, 16u);
}

uint32_t LowestUnusedNumber() {
  MutexLock lock(&ThreadRegistryMutex());
  const uint32_t id = AcquireCacheId();
  ReleaseCacheId(id);
  return id;
}

// Numbers that were lost would grow every thread's table for ever, and take later caches off the fast path.
TEST_F(CacheThreadsTest, ACacheGivesItsNumberBack) {
  const uint32_t before = LowestUnusedNumber();
  for (int i = 0; i < 3; ++i) {
    auto cache = Make();
    EXPECT_GT(LowestUnusedNumber(), before);
  }
  EXPECT_EQ(LowestUnusedNumber(), before);
}

TEST_F(CacheThreadsTest, TheBarnHasRoomForEachThread) {
  auto cache = Make();
  Use(*cache, 1000);
  EXPECT_EQ(cache->Stats().cached, (4 + 2 + 2) * 16u) << "the thread's own two sheaves, and six in the barn";
  std::vector<std::unique_ptr<Worker>> workers(5);
  for (auto& worker : workers) {
    worker = std::make_unique<Worker>();
    worker->Run([&] { cache->FreeRcu(cache->Allocate()); });
  }
  Use(*cache, 1000);
  EXPECT_GE(cache->Stats().cached, (4 + 2 * 6 + 2) * 16u);
  EXPECT_TRUE(cache->CheckInvariants().ok()) << cache->CheckInvariants();
}

TEST_F(CacheThreadsTest, ObjectsAreFreedOnOtherThreads) {
  auto cache = Make();
  Worker worker;
  for (int round = 0; round < 20; ++round) {
    std::vector<void*> objects(200);
    for (void*& object : objects) object = cache->Allocate();
    worker.Run([&] {
      for (void* object : objects) cache->Free(object);
    });
  }
  EXPECT_EQ(cache->Stats().live, 0u);
  EXPECT_LE(cache->Stats().slabs_created, 3u) << "the barn brings them back";
}

TEST_F(CacheThreadsTest, ManyCachesReuseTheirNumbers) {
  std::mt19937 random(5);
  Worker worker;
  std::vector<std::unique_ptr<Cache>> caches;
  for (int step = 0; step < 400; ++step) {
    if (caches.size() < 30 && random() % 2 == 0) {
      caches.push_back(Make(8 + 8 * (random() % 100)));
    } else if (!caches.empty()) {
      const size_t which = random() % caches.size();
      if (random() % 2 == 0) {
        caches.erase(caches.begin() + static_cast<std::ptrdiff_t>(which));
        continue;
      }
      Cache& cache = *caches[which];
      Use(cache, random() % 100);
      worker.Run([&] { Use(cache, 30); });
      std::thread([&] { Use(cache, 10); }).join();
      ASSERT_EQ(cache.Stats().live, 0u);
      ASSERT_TRUE(cache.CheckInvariants().ok()) << cache.CheckInvariants();
    }
  }
  caches.clear();
  EXPECT_EQ(arena_->units_held(), 0u);
}

}  // namespace
}  // namespace mxa::slab
