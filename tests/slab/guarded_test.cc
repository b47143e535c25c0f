// SPDX-License-Identifier: Apache-2.0
//
// Sampled allocations of a cache: they come and go by every path like others, and misuse of them faults.
#include <cstring>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "slab/guard/guard_pool.h"

namespace mxa::slab {
namespace {

int destroyed = 0;

class GuardedTest : public testing::Test {
 protected:
  GuardedTest() { destroyed = 0; }
  // With a nanosecond between samples, every allocation that comes by the slow path may be one.
  std::unique_ptr<Cache> Make() {
    return Cache::Create({.name = "sampled",
                          .object_size = 64,
                          .rcu_destructor = [](void*) { ++destroyed; },
                          .arena = arena_.get(),
                          .guard_interval = absl::Nanoseconds(1)})
        .value();
  }
  void* AllocateGuarded(Cache& cache) {
    std::vector<void*> others;
    void* object = nullptr;
    while (object == nullptr) {
      void* one = cache.Allocate();
      (arena_->InGuards(one) ? object : others.emplace_back()) = one;
    }
    cache.FreeBulk(others);
    return object;
  }
  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = 16 * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
};
using GuardedDeathTest = GuardedTest;

TEST_F(GuardedTest, ComesAndGoesByEveryPath) {
  const auto cache = Make();
  for (int path = 0; path < 3; ++path) {
    char* const object = static_cast<char*>(AllocateGuarded(*cache));
    std::memset(object, 1, 64);
    EXPECT_EQ(cache->Stats().guarded, 1u);
    if (path == 0) cache->Free(object);
    if (path == 1) cache->FreeRcu(object);
    if (path == 2) cache->FreeBulk({reinterpret_cast<void* const*>(&object), 1});
    EXPECT_EQ(cache->Stats().guarded, 0u);
  }
  cache->FreeRcuBarrier();
  EXPECT_EQ(destroyed, 1);
  EXPECT_GE(cache->Stats().counts[Count::kGuarded], 3u);
  EXPECT_EQ(arena_->Guards().live() + arena_->Guards().retired(), 0u);
  EXPECT_TRUE(cache->CheckInvariants().ok()) << cache->CheckInvariants();
}

TEST_F(GuardedTest, IsConstructedLikeAnyOther) {
  const auto cache = Cache::Create({.name = "constructed",
                                    .object_size = 64,
                                    .constructor = [](void* object) { std::memset(object, 7, 64); },
                                    .arena = arena_.get(),
                                    .guard_interval = absl::Nanoseconds(1)})
                         .value();
  for (int i = 0; i < 3; ++i) {
    char* const object = static_cast<char*>(AllocateGuarded(*cache));
    EXPECT_EQ(object[0], 7);
    EXPECT_EQ(object[63], 7);
    cache->Free(object);
  }
}

TEST_F(GuardedTest, OtherObjectsTakeTheFastPathBesideThem) {
  const auto cache = Make();
  void* const guarded = AllocateGuarded(*cache);
  void* const other = cache->Allocate();
  const uint64_t slow = cache->Stats().counts[Count::kFreeSlow];
  for (int i = 0; i < 100; ++i) cache->Free(cache->Allocate());
  EXPECT_LE(cache->Stats().counts[Count::kFreeSlow], slow + 100);
  cache->Free(other);
  cache->Free(guarded);
}

TEST_F(GuardedTest, NothingIsGuardedUnlessAskedFor) {
  const auto cache = Cache::Create({.name = "plain", .object_size = 64, .arena = arena_.get()}).value();
  std::vector<void*> objects;
  for (int i = 0; i < 10000; ++i) objects.push_back(cache->Allocate());
  EXPECT_EQ(cache->Stats().counts[Count::kGuarded], 0u);
  cache->FreeBulk(objects);
}

TEST_F(GuardedDeathTest, DoubleFreesAndFreesToOtherCachesAreFoundAtOnce) {
  const auto cache = Make();
  const auto other = Cache::Create({.name = "other", .object_size = 64, .arena = arena_.get()}).value();
  void* const object = AllocateGuarded(*cache);
  EXPECT_DEATH(other->Free(object), "mxa: .*cache sampled, object 0x");
  cache->Free(object);
  EXPECT_DEATH(cache->Free(object), "mxa: double free: cache sampled, object 0x");
}

TEST_F(GuardedDeathTest, LeaksOfGuardedObjectsAreNamed) {
  auto cache = Make();
  AllocateGuarded(*cache);
  cache->Shrink();  // its empty slabs, whose maps would look leaked as well
  EXPECT_DEATH(cache.reset(), "guarded objects not freed");
  // Cannot be destroyed, nor can its arena.
  static_cast<void>(cache.release());
  static_cast<void>(arena_.release());
}

}  // namespace
}  // namespace mxa::slab
