// SPDX-License-Identifier: Apache-2.0
//
// A cache seen from outside: what comes out, what is remembered, what goes back, and that every object is counted once
// (S3).
#include "slab/cache.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"

namespace mxa::slab {
namespace {

// What the callbacks of the options count; they carry no context.
std::atomic<size_t> constructed{0};
std::atomic<size_t> destroyed{0};

struct Thing {
  static constexpr uint64_t kFresh = 0xf4e5;
  uint64_t state;
  uint64_t user;

  static void Construct(void* object) {
    *static_cast<Thing*>(object) = {kFresh, 0};
    ++constructed;
  }
  static void Destroy(void* object) {
    static_cast<Thing*>(object)->state = kFresh;
    ++destroyed;
  }
};

class CacheTest : public testing::Test {
 protected:
  CacheTest() { constructed = destroyed = 0; }
  ~CacheTest() override { EXPECT_EQ(arena_->units_held(), 0u) << "a cache that is gone holds nothing"; }

  std::unique_ptr<Cache> Make(CacheOptions options) {
    options.arena = arena_.get();
    return Cache::Create(options).value();
  }
  std::unique_ptr<Cache> MakeThings(size_t sheaf_capacity = 0) {
    return Make({.name = "thing",
                 .object_size = sizeof(Thing),
                 .constructor = &Thing::Construct,
                 .rcu_destructor = &Thing::Destroy,
                 .sheaf_capacity = sheaf_capacity});
  }
  static void ExpectConserved(Cache& cache, size_t live) {
    const CacheStats stats = cache.Stats();
    EXPECT_EQ(stats.live, live);
    EXPECT_EQ(stats.live + stats.cached + stats.retired + stats.free, stats.slabs * stats.objects_per_slab) << "S3";
    EXPECT_EQ(stats.slabs, stats.slabs_created - stats.slabs_released);
    EXPECT_TRUE(cache.CheckInvariants().ok()) << cache.CheckInvariants();
  }
  static std::vector<void*> Take(Cache& cache, size_t count) {
    std::vector<void*> objects;
    while (objects.size() < count) {
      void* object = cache.Allocate();
      if (object == nullptr) break;
      objects.push_back(object);
    }
    return objects;
  }
  static void FreeAll(Cache& cache, const std::vector<void*>& objects) {
    for (void* object : objects) cache.Free(object);
  }

  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = size_t{256} << 20, .min_reserve_bytes = kRegionSize}).value();
};

TEST_F(CacheTest, ObjectsOfEverySizeAndAlignmentLieApart) {
  for (const size_t size : {8u, 9u, 24u, 64u, 100u, 192u, 576u, 1000u, 4096u, 5000u, 65536u, 100000u, 262144u}) {
    for (const size_t alignment : {1u, 8u, 64u, 4096u}) {
      SCOPED_TRACE(testing::Message() << size << " bytes at " << alignment);
      auto cache = Make({.name = "thing", .object_size = size, .alignment = alignment});
      const size_t count = std::min<size_t>(2 * cache->Stats().objects_per_slab + 3, 3000);
      std::vector<void*> objects = Take(*cache, count);
      ASSERT_EQ(objects.size(), count);
      ExpectConserved(*cache, count);
      for (size_t i = 0; i < count; ++i) {
        ASSERT_EQ(reinterpret_cast<uintptr_t>(objects[i]) % alignment, 0u);
        std::memset(objects[i], static_cast<int>(i % 251), size);
      }
      for (size_t i = 0; i < count; ++i) {
        const auto* bytes = static_cast<const unsigned char*>(objects[i]);
        ASSERT_EQ(bytes[0], i % 251) << "overwritten by another object";
        ASSERT_EQ(bytes[size - 1], i % 251) << "overwritten by another object";
      }
      FreeAll(*cache, objects);
      ExpectConserved(*cache, 0);
    }
  }
}

TEST_F(CacheTest, DestroysEachConstructedObjectOnceWhenItsSlabGoes) {
  static std::atomic<size_t> alive{0};
  alive = 0;
  auto cache = Make({.name = "paired",
                     .object_size = 1000,
                     .constructor =
                         [](void* object) {
                           *static_cast<Thing*>(object) = {Thing::kFresh, ++alive};
                         },
                     .destructor =
                         [](void* object) {
                           EXPECT_EQ(static_cast<Thing*>(object)->state, Thing::kFresh);
                           static_cast<Thing*>(object)->state = 0;
                           --alive;
                         }});
  const std::vector<void*> objects = Take(*cache, 500);
  const CacheStats stats = cache->Stats();
  EXPECT_EQ(alive, stats.slabs * stats.objects_per_slab) << "all objects of a slab, allocated or not";
  FreeAll(*cache, objects);
  cache->Shrink();
  EXPECT_EQ(alive, 0u);
  void* object = cache->Allocate();
  EXPECT_GT(alive, 0u);
  cache->Free(object);
  cache.reset();
  EXPECT_EQ(alive, 0u);
}

TEST_F(CacheTest, RefusesOptionsThatMakeNoSense) {
  class Nobody final : public reclaim::Movable {
    bool CanFree(absl::Span<void*>) override { return false; }
    void Reclaim(absl::Span<void*>, reclaim::MoveTarget&) override {}
  } nobody;
  const std::vector<CacheOptions> wrong{{.name = "n", .object_size = 7},
                                        {.name = "n", .object_size = 262145},
                                        {.name = "n", .object_size = 64, .alignment = 0},
                                        {.name = "n", .object_size = 64, .alignment = 24},
                                        {.name = "n", .object_size = 64, .alignment = 8192},
                                        {.name = "n", .object_size = 64, .sheaf_capacity = 1025},
                                        {.name = "n", .object_size = 64, .movable = &nobody}};
  const std::vector<std::string> named{"object_size is 7",   "object_size is 262145", "alignment is 0",
                                       "alignment is 24",    "alignment is 8192",     "sheaf_capacity",
                                       "needs a constructor"};
  for (size_t i = 0; i < wrong.size(); ++i) {
    const absl::Status status = Cache::Create(wrong[i]).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << named[i];
    EXPECT_NE(status.message().find(named[i]), std::string::npos) << status;
  }
}

TEST_F(CacheTest, NewObjectsAreConstructedOnceOrZero) {
  auto things = MakeThings();
  std::vector<void*> objects = Take(*things, 100);
  EXPECT_EQ(constructed, things->Stats().slabs * things->Stats().objects_per_slab);
  for (void* object : objects) EXPECT_EQ(static_cast<Thing*>(object)->state, Thing::kFresh);
  FreeAll(*things, objects);
  FreeAll(*things, Take(*things, 100));
  EXPECT_EQ(constructed, things->Stats().slabs * things->Stats().objects_per_slab) << "not again";
  auto plain = Make({.name = "thing", .object_size = 64});
  objects = Take(*plain, 5000);
  for (void* object : objects) ASSERT_EQ(*static_cast<uint64_t*>(object), 0u);
  FreeAll(*plain, objects);
}

TEST_F(CacheTest, FreedObjectsAreUsedAgain) {
  auto cache = MakeThings();
  for (int round = 0; round < 50; ++round) FreeAll(*cache, Take(*cache, 1000));
  EXPECT_EQ(cache->Stats().slabs_created, 1u) << "1000 of these fit into one slab";
}

TEST_F(CacheTest, EachRetiredObjectIsDestroyedOnceBeforeItComesBack) {
  auto cache = MakeThings(/*sheaf_capacity=*/8);
  for (int round = 0; round < 20; ++round) {
    std::vector<void*> objects = Take(*cache, 100);
    for (void* object : objects) {
      ASSERT_EQ(static_cast<Thing*>(object)->state, Thing::kFresh);
      static_cast<Thing*>(object)->state = 1;
      cache->FreeRcu(object);
    }
  }
  cache->FreeRcuBarrier();
  EXPECT_EQ(destroyed, 2000u);
  ExpectConserved(*cache, 0);
  EXPECT_EQ(cache->Stats().retired, 0u);
}

TEST_F(CacheTest, RetiredObjectsWaitForReaders) {
  static std::atomic<bool> reader_left{false};
  static std::atomic<size_t> too_early{0};
  reader_left = false;
  auto cache = Make({.name = "thing",
                     .object_size = 64,
                     .rcu_destructor = [](void*) { too_early += reader_left ? 0 : 1; },
                     .sheaf_capacity = 4});
  std::atomic<bool> inside{false};
  std::atomic<bool> retired{false};
  std::thread reader([&] {
    reclaim::ReadSection section;
    inside = true;
    while (!retired) std::this_thread::yield();
    for (int i = 0; i < 200; ++i) std::this_thread::yield();
    reader_left = true;
  });
  while (!inside) std::this_thread::yield();
  for (void* object : Take(*cache, 50)) cache->FreeRcu(object);
  EXPECT_GT(cache->Stats().retired, 0u);
  ExpectConserved(*cache, 0);
  retired = true;
  reader.join();
  cache->FreeRcuBarrier();
  EXPECT_EQ(too_early, 0u);
}

TEST_F(CacheTest, FreeRcuMayBeCalledInASectionAndUnderAnArrayLock) {
  auto cache = MakeThings(2);
  std::vector<void*> objects = Take(*cache, 20);
  {
    reclaim::ReadSection section;
    reclaim::ArrayLockScope lock;
    for (void* object : objects) cache->FreeRcu(object);
    void* object = cache->Allocate(AllocFlags::kMayReclaim);
    ASSERT_NE(object, nullptr);
    cache->Free(object);
    EXPECT_EQ(destroyed, 0u);
  }
  cache->FreeRcuBarrier();
  EXPECT_EQ(destroyed, 20u);
}

// A node's destructor gives its children back, in whichever way.
TEST_F(CacheTest, ADestructorMayUseTheCache) {
  struct Parent {
    Cache* cache;
    void* child;
  };
  auto cache = Make({.name = "thing",
                     .object_size = sizeof(Parent),
                     .rcu_destructor =
                         [](void* object) {
                           auto* parent = static_cast<Parent*>(object);
                           if (parent->child != nullptr) parent->cache->FreeRcu(std::exchange(parent->child, nullptr));
                           void* other = parent->cache->Allocate(AllocFlags::kMayReclaim);
                           if (other != nullptr) parent->cache->Free(other);
                           ++destroyed;
                         },
                     .sheaf_capacity = 2});
  for (int i = 0; i < 50; ++i) {
    auto* parent = static_cast<Parent*>(cache->Allocate());
    auto* child = static_cast<Parent*>(cache->Allocate());
    *child = {cache.get(), nullptr};
    *parent = {cache.get(), child};
    cache->FreeRcu(parent);
  }
  cache->FreeRcuBarrier();
  cache->FreeRcuBarrier();
  EXPECT_EQ(destroyed, 100u);
  ExpectConserved(*cache, 0);
}

// Each destructor retires the next object of a chain, so that each grace period brings more to wait for.
TEST_F(CacheTest, DestroyingACacheWaitsForWhatItsDestructorsRetire) {
  struct Link {
    Cache* cache;
    Link* next;
  };
  auto cache = Make({.name = "thing",
                     .object_size = sizeof(Link),
                     .rcu_destructor =
                         [](void* object) {
                           auto* link = static_cast<Link*>(object);
                           ++destroyed;
                           if (link->next != nullptr) link->cache->FreeRcu(link->next);
                         },
                     .sheaf_capacity = 2});
  Link* first = nullptr;
  for (int i = 0; i < 10; ++i) {
    auto* link = static_cast<Link*>(cache->Allocate());
    *link = {cache.get(), first};
    first = link;
  }
  cache->FreeRcu(first);
  cache.reset();
  EXPECT_EQ(destroyed, 10u);
}

TEST_F(CacheTest, ShrinkGivesEverythingBack) {
  auto cache = MakeThings();
  std::vector<void*> objects = Take(*cache, 20'000);
  const size_t slabs = cache->Stats().slabs;
  EXPECT_EQ(arena_->units_held(), slabs);
  for (size_t i = 0; i < objects.size(); ++i) {
    if (i % 2 == 0) {
      cache->Free(objects[i]);
    } else {
      cache->FreeRcu(objects[i]);
    }
  }
  cache->Shrink();
  EXPECT_EQ(cache->Stats().slabs, 0u);
  EXPECT_EQ(cache->Stats().slabs_released, slabs);
  EXPECT_EQ(arena_->Residency().object_bytes, 0u);
  EXPECT_EQ(cache->Shrink(), 0u);
  FreeAll(*cache, Take(*cache, 10));
  ExpectConserved(*cache, 0);
}

TEST_F(CacheTest, EmptySlabsDoNotPileUp) {
  auto cache = Make({.name = "thing", .object_size = 4096, .empty_slab_delay = absl::ZeroDuration()});
  FreeAll(*cache, Take(*cache, 2000));
  EXPECT_LT(cache->Stats().slabs, 20u) << "of 125";
}

TEST_F(CacheTest, ABurstFindsTheSlabsOfTheOneBefore) {
  auto cache = Make({.name = "thing", .object_size = 4096, .empty_slab_delay = absl::InfiniteDuration()});
  for (int i = 0; i < 3; ++i) FreeAll(*cache, Take(*cache, 2000));
  EXPECT_EQ(cache->Stats().slabs_created, 125u);
  EXPECT_EQ(cache->Stats().slabs_released, 0u);
}

TEST_F(CacheTest, KnowsItsNameAndArena) {
  auto cache = Make({.name = "dentry", .object_size = 192});
  EXPECT_EQ(cache->name(), "dentry");
  EXPECT_EQ(&cache->arena(), arena_.get());
  EXPECT_EQ(cache->Stats().object_size, 192u);
  EXPECT_EQ(cache->Stats().objects_per_slab, 341u);
}

TEST_F(CacheTest, UsesTheDefaultArenaUnlessToldOtherwise) {
  auto cache = Cache::Create({.name = "default", .object_size = 64}).value();
  EXPECT_EQ(&cache->arena(), &Arena::Default());
  void* object = cache->Allocate();
  EXPECT_TRUE(Arena::Default().Contains(object));
  cache->Free(object);
}

}  // namespace
}  // namespace mxa::slab
