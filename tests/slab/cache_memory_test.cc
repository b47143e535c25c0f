// SPDX-License-Identifier: Apache-2.0
//
// What Allocate does when memory is short, by flag: null, never a crash, and an object again as soon as one is free.
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "slab/cache.h"

namespace mxa::slab {
namespace {

// One region: 32 slabs of 15 objects.
class CacheMemoryTest : public testing::Test {
 protected:
  std::vector<void*> TakeAll(AllocFlags flags = AllocFlags::kNone) {
    std::vector<void*> objects;
    while (void* object = cache_->Allocate(flags)) objects.push_back(object);
    return objects;
  }
  void FreeAll(const std::vector<void*>& objects) {
    for (void* object : objects) cache_->Free(object);
  }

  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  std::unique_ptr<Cache> cache_ =
      Cache::Create({.name = "large", .object_size = 4352, .arena = arena_.get(), .sheaf_capacity = 8}).value();
  const size_t all_ = cache_->Stats().objects_per_slab * kUnitsPerRegion;
};

TEST_F(CacheMemoryTest, NullWhenTheArenaIsUsedUpAndBackAfterAFree) {
  std::vector<void*> objects = TakeAll();
  EXPECT_EQ(objects.size(), all_);
  EXPECT_EQ(cache_->Allocate(), nullptr);
  EXPECT_EQ(cache_->Allocate(AllocFlags::kMayReclaim), nullptr) << "there is nothing to take back";
  cache_->Free(objects.back());
  EXPECT_EQ(cache_->Allocate(), objects.back());
  FreeAll(objects);
  EXPECT_TRUE(cache_->CheckInvariants().ok()) << cache_->CheckInvariants();
}

TEST_F(CacheMemoryTest, AnotherCacheMayUseWhatWasGivenBack) {
  FreeAll(TakeAll());
  cache_->Shrink();
  auto other = Cache::Create({.name = "other", .object_size = 64, .arena = arena_.get()}).value();
  void* object = other->Allocate();
  EXPECT_NE(object, nullptr);
  other->Free(object);
}

TEST_F(CacheMemoryTest, NoNewSlabTakesOnlyWhatLiesReady) {
  EXPECT_EQ(cache_->Allocate(AllocFlags::kNoNewSlab), nullptr);
  cache_->Free(cache_->Allocate());
  std::vector<void*> ready = TakeAll(AllocFlags::kNoNewSlab);
  EXPECT_EQ(ready.size(), cache_->Stats().objects_per_slab);
  EXPECT_EQ(cache_->Stats().slabs_created, 1u);
  FreeAll(ready);
}

// A reader keeps them from coming back at once.
TEST_F(CacheMemoryTest, MayReclaimWaitsForWhatIsRetired) {
  std::vector<void*> objects = TakeAll();
  std::atomic<bool> inside{false};
  std::thread reader([&] {
    reclaim::ReadSection section;
    inside = true;
    absl::SleepFor(absl::Milliseconds(100));
  });
  while (!inside) std::this_thread::yield();
  cache_->FreeRcu(objects.back());
  EXPECT_EQ(cache_->Allocate(), nullptr);
  void* const object = cache_->Allocate(AllocFlags::kMayReclaim);
  EXPECT_EQ(object, objects.back());
  reader.join();
  FreeAll(objects);
}

// Another thread keeps free objects in its sheaves and does nothing.
class CacheOfAnotherThreadTest : public CacheMemoryTest {
 protected:
  CacheOfAnotherThreadTest() {
    other_ = std::thread([this] {
      FreeAll(TakeAll());
      ready_ = true;
      while (!done_) std::this_thread::yield();
    });
    while (!ready_) std::this_thread::yield();
    objects_ = TakeAll();
    EXPECT_GT(cache_->Stats().cached, 0u) << "the other thread's";
  }
  ~CacheOfAnotherThreadTest() override {
    done_ = true;
    other_.join();
    FreeAll(objects_);
  }

  std::thread other_;
  std::atomic<bool> ready_{false};
  std::atomic<bool> done_{false};
  std::vector<void*> objects_;
};

TEST_F(CacheOfAnotherThreadTest, MayReclaimTakesItBack) {
  const size_t cached = cache_->Stats().cached;
  void* object = cache_->Allocate(AllocFlags::kMayReclaim);
  ASSERT_NE(object, nullptr);
  objects_.push_back(object);
  for (void* more : TakeAll()) objects_.push_back(more);
  EXPECT_EQ(objects_.size(), all_);
  EXPECT_GT(cached, 1u) << "one flush brought them all";
}

TEST_F(CacheOfAnotherThreadTest, MayReclaimIsIgnoredWhereNothingMayBeReclaimed) {
  {
    reclaim::ArrayLockScope lock;
    EXPECT_EQ(cache_->Allocate(AllocFlags::kMayReclaim), nullptr);
  }
  {
    reclaim::NoReclaimScope callback;
    EXPECT_EQ(cache_->Allocate(AllocFlags::kMayReclaim), nullptr);
  }
  EXPECT_EQ(cache_->Allocate(AllocFlags::kNoNewSlab), nullptr) << "only what lies ready";
}

TEST_F(CacheOfAnotherThreadTest, WhatOthersHoldIsNoNewSlab) {
  void* const object = cache_->Allocate(AllocFlags::kMayReclaim | AllocFlags::kNoNewSlab);
  EXPECT_NE(object, nullptr);
  objects_.push_back(object);
}

}  // namespace
}  // namespace mxa::slab
