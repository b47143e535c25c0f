// SPDX-License-Identifier: Apache-2.0
//
// An allocation that finds no memory gets what other caches of its arena keep empty.
#include "slab/take_back.h"

#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/schedule_point.h"
#include "gtest/gtest.h"
#include "reclaim/context.h"
#include "slab/arena.h"
#include "slab/cache.h"

namespace mxa::slab {
namespace {

std::atomic<int> destroyed{0};

// One region: 32 slabs.
class TakeBackTest : public testing::Test {
 protected:
  static std::unique_ptr<Arena> MakeArena() {
    return Arena::Create({.reserve_bytes = kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  }
  // Has all slabs of `arena`, and keeps them empty.
  static std::unique_ptr<Cache> MakeKeeper(Arena& arena, void (*destructor)(void*) = nullptr) {
    auto keeper = Cache::Create({.name = "keeper",
                                 .object_size = 4096,
                                 .destructor = destructor,
                                 .arena = &arena,
                                 .sheaf_capacity = 1,
                                 .empty_slab_delay = absl::InfiniteDuration()})
                      .value();
    std::vector<void*> objects;
    while (void* object = keeper->Allocate()) objects.push_back(object);
    for (void* object : objects) keeper->Free(object);
    EXPECT_EQ(keeper->Stats().slabs, kUnitsPerRegion);
    EXPECT_GE(keeper->Stats().empty_slabs, kUnitsPerRegion / 2);
    return keeper;
  }
  std::unique_ptr<Cache> MakeNeedy() {
    return Cache::Create({.name = "needy", .object_size = 64, .arena = arena_.get()}).value();
  }

  std::unique_ptr<Arena> arena_ = MakeArena();
};

TEST_F(TakeBackTest, AnAllocationGetsWhatAnotherCacheKeepsEmpty) {
  const std::unique_ptr<Cache> keeper = MakeKeeper(*arena_);
  const size_t kept = keeper->Stats().empty_slabs;
  const std::unique_ptr<Cache> needy = MakeNeedy();
  std::vector<void*> objects(kept * needy->Stats().objects_per_slab);
  ASSERT_TRUE(needy->AllocateBulk(absl::MakeSpan(objects))) << "every empty slab, and without leave to reclaim";
  EXPECT_EQ(keeper->Stats().empty_slabs, 0u);
  EXPECT_EQ(keeper->Stats().slabs, kUnitsPerRegion - kept) << "those in use stay";
  EXPECT_TRUE(keeper->CheckInvariants().ok()) << keeper->CheckInvariants();
  EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
  needy->FreeBulk(objects);
}

TEST_F(TakeBackTest, AnAllocationThatMayNotAddASlabTakesNothingBack) {
  const std::unique_ptr<Cache> keeper = MakeKeeper(*arena_);
  EXPECT_EQ(MakeNeedy()->Allocate(AllocFlags::kNoNewSlab), nullptr);
  EXPECT_EQ(keeper->Stats().slabs, kUnitsPerRegion);
}

TEST_F(TakeBackTest, DestructorsRunOnlyForAnAllocationThatMayReclaim) {
  destroyed = 0;
  const std::unique_ptr<Cache> keeper = MakeKeeper(
      *arena_, +[](void*) { ++destroyed; });
  const std::unique_ptr<Cache> needy = MakeNeedy();
  EXPECT_EQ(needy->Allocate(), nullptr);
  {
    reclaim::ArrayLockScope lock;
    EXPECT_EQ(needy->Allocate(AllocFlags::kMayReclaim), nullptr);
  }
  EXPECT_EQ(destroyed, 0);
  void* object = needy->Allocate(AllocFlags::kMayReclaim);
  EXPECT_NE(object, nullptr);
  EXPECT_GT(destroyed, 0);
  needy->Free(object);
}

#if MXA_HOOKS
std::function<void()> at_detached;

// The slabs are on their way to the arena by another thread, which still needs their cache.
TEST_F(TakeBackTest, ACacheIsNotDestroyedBeforeItsSlabsAreBack) {
  std::unique_ptr<Cache> keeper = MakeKeeper(*arena_);
  const std::unique_ptr<Cache> needy = MakeNeedy();
  std::thread destroyer;
  std::atomic<bool> gone{false};
  bool too_early = false;
  at_detached = [&] {
    destroyer = std::thread([&] {
      keeper.reset();
      gone = true;
    });
    for (int i = 0; i < 20'000 && !gone; ++i) std::this_thread::yield();
    too_early = gone;
  };
  SetScheduleHandlerForTest([](const char* point) {
    if (std::strcmp(point, "take_back.detached") == 0 && at_detached) std::exchange(at_detached, nullptr)();
  });
  void* const object = needy->Allocate();
  SetScheduleHandlerForTest(nullptr);
  ASSERT_TRUE(destroyer.joinable());
  destroyer.join();
  EXPECT_FALSE(too_early);
  ASSERT_NE(object, nullptr);
  needy->Free(object);
}
#endif

TEST_F(TakeBackTest, CachesOfOtherArenasKeepTheirs) {
  const std::unique_ptr<Arena> other_arena = MakeArena();
  const std::unique_ptr<Cache> other = MakeKeeper(*other_arena);
  const size_t kept = other->Stats().empty_slabs;
  EXPECT_EQ(TakeBackEmptySlabs(*arena_, /*may_destroy=*/true), 0u);
  EXPECT_EQ(other->Stats().empty_slabs, kept);
  EXPECT_EQ(TakeBackEmptySlabs(*other_arena, /*may_destroy=*/false), kept);
  EXPECT_EQ(other_arena->units_held(), kUnitsPerRegion - kept);
}

}  // namespace
}  // namespace mxa::slab
