// SPDX-License-Identifier: Apache-2.0
//
// What a sleeping thread holds does not wait for it: part-filled rcu-free sheaves, and free objects.
#include "slab/housekeeper.h"

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/schedule_point.h"
#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/cache.h"

namespace mxa::slab {
namespace {

std::atomic<int> destroyed{0};
absl::Notification* first_destroyed = nullptr;

void Destroy(void*) {
  if (destroyed.fetch_add(1) == 0 && first_destroyed != nullptr) first_destroyed->Notify();
}

class HousekeeperTest : public testing::Test {
 protected:
  HousekeeperTest() {
    destroyed = 0;
    first_destroyed = &destroyed_one_;
  }
  ~HousekeeperTest() override { first_destroyed = nullptr; }

  std::unique_ptr<Cache> Make(absl::Duration rcu_free_delay, absl::Duration idle_delay,
                              absl::Duration empty_slab_delay = absl::InfiniteDuration(),
                              void (*destructor)(void*) = nullptr) {
    return Cache::Create({.name = "kept",
                          .object_size = 64,
                          .destructor = destructor,
                          .rcu_destructor = &Destroy,
                          .arena = arena_.get(),
                          .sheaf_capacity = 16,
                          .rcu_free_delay = rcu_free_delay,
                          .idle_delay = idle_delay,
                          .empty_slab_delay = empty_slab_delay})
        .value();
  }
  // A round as it would come when `delay` has passed; two, because an idle thread's time runs from the first.
  static bool RoundsAfter(absl::Duration delay) {
    const int64_t now = Housekeeper::Now();
    Housekeeper::RunOnce(now);
    return Housekeeper::RunOnce(now + absl::ToInt64Milliseconds(delay) + 1);
  }

  absl::Notification destroyed_one_;
  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = 4 * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
};

TEST_F(HousekeeperTest, AnObjectPassedToFreeRcuIsDestroyedThoughNobodyComesBack) {
  const std::unique_ptr<Cache> cache = Make(absl::Milliseconds(20), absl::InfiniteDuration());
  cache->FreeRcu(cache->Allocate());
  destroyed_one_.WaitForNotification();  // for ever, without the housekeeper's thread
  EXPECT_EQ(destroyed, 1);
  EXPECT_EQ(cache->Stats().counts[Count::kRcuTimer], 1u);
}

TEST_F(HousekeeperTest, LeavesAPartFilledSheafItsTime) {
  const std::unique_ptr<Cache> cache = Make(absl::Hours(1), absl::InfiniteDuration());
  cache->FreeRcu(cache->Allocate());
  EXPECT_TRUE(RoundsAfter(absl::Minutes(59))) << "there is something to come back for";
  EXPECT_EQ(cache->Stats().counts[Count::kRcuTimer], 0u);
  RoundsAfter(absl::Minutes(61));
  EXPECT_EQ(cache->Stats().counts[Count::kRcuTimer], 1u);
  EXPECT_EQ(cache->Stats().counts[Count::kRcuObject], 1u);
  cache->FreeRcuBarrier();
  EXPECT_EQ(destroyed, 1);
}

#if MXA_HOOKS
std::atomic<int> handshakes{0};

TEST_F(HousekeeperTest, DisturbsNoThreadWhenNothingIsDue) {
  const std::unique_ptr<Cache> cache = Make(absl::Hours(1), absl::InfiniteDuration());
  cache->FreeRcu(cache->Allocate());
  SetScheduleHandlerForTest([](const char* point) {
    if (std::strcmp(point, "housekeeping.before_slow") == 0) ++handshakes;
  });
  RoundsAfter(absl::Minutes(61));
  EXPECT_EQ(handshakes.exchange(0), 1) << "the sheaf is retired";
  RoundsAfter(absl::Hours(3));
  EXPECT_EQ(handshakes, 0) << "and its age with it";
  SetScheduleHandlerForTest(nullptr);
}
#endif

TEST_F(HousekeeperTest, TakesBackWhatAnIdleThreadHolds) {
  const std::unique_ptr<Cache> cache = Make(absl::Hours(1), absl::Hours(1));
  absl::Notification filled;
  absl::Notification checked;
  void* kept = nullptr;
  std::thread thread([&] {
    kept = cache->Allocate();
    filled.Notify();
    checked.WaitForNotification();
    cache->Free(kept);
    cache->Free(cache->Allocate());
  });
  filled.WaitForNotification();
  EXPECT_EQ(cache->Stats().cached, 15u);
  RoundsAfter(absl::Minutes(30));
  EXPECT_EQ(cache->Stats().cached, 15u) << "not idle for long enough";
  EXPECT_FALSE(RoundsAfter(absl::Minutes(61))) << "nothing is left to come back for";
  EXPECT_EQ(cache->Stats().cached, 0u);
  EXPECT_EQ(cache->Stats().live, 1u);
  EXPECT_EQ(cache->Stats().counts[Count::kIdleDrain], 1u);
  EXPECT_TRUE(cache->CheckInvariants().ok()) << cache->CheckInvariants();
  RoundsAfter(absl::Hours(4));
  EXPECT_EQ(cache->Stats().counts[Count::kIdleDrain], 1u) << "parked once is parked";
  checked.Notify();
  thread.join();
  EXPECT_TRUE(cache->CheckInvariants().ok()) << cache->CheckInvariants();
}

TEST_F(HousekeeperTest, AnIdleThreadKeepsNeitherItsSpareSheafNorWhatItRetired) {
  const std::unique_ptr<Cache> cache = Make(absl::Hours(9), absl::Hours(1));
  std::vector<void*> objects(33);
  ASSERT_TRUE(cache->AllocateBulk(absl::MakeSpan(objects)));
  cache->FreeRcu(objects.back());
  objects.pop_back();
  for (void* object : objects) cache->Free(object);
  EXPECT_EQ(cache->Stats().cached, 32u) << "two full sheaves";
  RoundsAfter(absl::Hours(2));
  EXPECT_EQ(cache->Stats().cached, 0u);
  EXPECT_EQ(cache->Stats().counts[Count::kRcuObject], 1u) << "retired, though its own time is not over";
  cache->FreeRcuBarrier();
  EXPECT_EQ(destroyed, 1);
}

TEST_F(HousekeeperTest, TheThreadComesBackAsLongAsSomethingIsNotDue) {
  const std::unique_ptr<Cache> cache = Make(absl::Milliseconds(300), absl::InfiniteDuration());
  cache->FreeRcu(cache->Allocate());  // due after several of its periods
  EXPECT_TRUE(destroyed_one_.WaitForNotificationWithTimeout(absl::Seconds(30)));
}

TEST_F(HousekeeperTest, TheSleepingThreadIsWoken) {
  const std::unique_ptr<Cache> cache = Make(absl::Milliseconds(1), absl::Milliseconds(1));
  cache->Free(cache->Allocate());
  while (cache->Stats().counts[Count::kIdleDrain] == 0) absl::SleepFor(absl::Milliseconds(10));
  absl::SleepFor(absl::Milliseconds(300));  // time to find nothing more, and to fall asleep
  cache->FreeRcu(cache->Allocate());
  EXPECT_TRUE(destroyed_one_.WaitForNotificationWithTimeout(absl::Seconds(30)));
}

TEST_F(HousekeeperTest, AnIdleThreadThatComesBackIsLookedAfterAgain) {
  const std::unique_ptr<Cache> cache = Make(absl::Hours(1), absl::Hours(1));
  void* object = cache->Allocate();
  EXPECT_FALSE(RoundsAfter(absl::Hours(2)));
  cache->Free(object);  // by the slow way, though there is room: the thread is idle no more
  EXPECT_TRUE(cache->CheckInvariants().ok()) << cache->CheckInvariants();
  EXPECT_EQ(cache->Stats().cached, 1u);
  EXPECT_TRUE(RoundsAfter(absl::Minutes(1)));
  EXPECT_FALSE(RoundsAfter(absl::Hours(2)));
  EXPECT_EQ(cache->Stats().cached, 0u);
  EXPECT_EQ(cache->Stats().counts[Count::kIdleDrain], 2u);
}

TEST_F(HousekeeperTest, AThreadThatExchangesSheavesIsNotIdle) {
  const std::unique_ptr<Cache> cache = Make(absl::Hours(1), absl::Hours(1));
  std::vector<void*> objects;
  const int64_t now = Housekeeper::Now();
  for (int hour = 0; hour < 4; ++hour) {
    for (int i = 0; i < 17; ++i) objects.push_back(cache->Allocate());
    Housekeeper::RunOnce(now + hour * 3'600'000);
  }
  EXPECT_EQ(cache->Stats().counts[Count::kIdleDrain], 0u);
  cache->FreeBulk(objects);
}

// A cache whose slabs are all empty, and whose thread's sheaves are.
void FillAndEmpty(Cache& cache) {
  std::vector<void*> objects(20'000);
  ASSERT_TRUE(cache.AllocateBulk(absl::MakeSpan(objects)));
  cache.FreeBulk(objects);
}

TEST_F(HousekeeperTest, GivesTheEmptySlabsOfAnIdleCacheBackAndSleeps) {
  const std::unique_ptr<Cache> cache = Make(absl::Hours(1), absl::Minutes(1), absl::Hours(1));
  FillAndEmpty(*cache);
  const size_t slabs = cache->Stats().slabs;
  EXPECT_TRUE(RoundsAfter(absl::Minutes(59))) << "there is something to come back for";
  EXPECT_EQ(cache->Stats().slabs, slabs);
  EXPECT_EQ(cache->Stats().cached, 0u);
  RoundsAfter(absl::Hours(2));
  EXPECT_FALSE(RoundsAfter(absl::Hours(4)));
  EXPECT_EQ(cache->Stats().slabs, 0u);
  EXPECT_EQ(arena_->units_held(), 0u);
}

TEST_F(HousekeeperTest, GivesBackOnlyWhatWasNotNeededSinceItLookedLast) {
  const std::unique_ptr<Cache> cache = Make(absl::InfiniteDuration(), absl::InfiniteDuration(), absl::Hours(1));
  FillAndEmpty(*cache);
  const int64_t now = Housekeeper::Now();
  constexpr int64_t kMinute = 60'000;
  Housekeeper::RunOnce(now);
  const size_t slabs = cache->Stats().slabs;
  std::vector<void*> objects(8'000);
  ASSERT_TRUE(cache->AllocateBulk(absl::MakeSpan(objects)));
  const size_t unneeded = cache->Stats().empty_slabs;
  EXPECT_GT(unneeded, 5u);
  cache->FreeBulk(objects);
  Housekeeper::RunOnce(now + 61 * kMinute);
  EXPECT_EQ(cache->Stats().slabs, slabs - unneeded);
  Housekeeper::RunOnce(now + 120 * kMinute);
  EXPECT_EQ(cache->Stats().slabs, slabs - unneeded) << "each time the rest has an hour from then on";
  Housekeeper::RunOnce(now + 122 * kMinute);
  EXPECT_LE(cache->Stats().slabs, 1u);
}

TEST_F(HousekeeperTest, KeepsEmptySlabsForEverWhenAskedTo) {
  const std::unique_ptr<Cache> cache = Make(absl::Hours(1), absl::Minutes(1), absl::InfiniteDuration());
  FillAndEmpty(*cache);
  const size_t slabs = cache->Stats().slabs;
  RoundsAfter(absl::Hours(100));
  EXPECT_FALSE(RoundsAfter(absl::Hours(200)));
  EXPECT_EQ(cache->Stats().slabs, slabs);
}

std::unique_ptr<Cache> used_by_destructor;

TEST_F(HousekeeperTest, DestructorsOfUnneededSlabsMayUseOtherCaches) {
  used_by_destructor = Make(absl::Hours(1), absl::Hours(9));
  const std::unique_ptr<Cache> cache = Make(
      absl::Hours(1), absl::Minutes(1), absl::Hours(1), +[](void*) {
        // This thread's first: takes the registry's lock.
        used_by_destructor->Free(used_by_destructor->Allocate());
      });
  FillAndEmpty(*cache);
  RoundsAfter(absl::Hours(2));
  RoundsAfter(absl::Hours(4));
  EXPECT_EQ(cache->Stats().slabs, 0u);
  EXPECT_EQ(used_by_destructor->Stats().slabs, 1u);
  used_by_destructor.reset();
}

TEST_F(HousekeeperTest, CountsAndChecksAreExactWhileItEmptiesSheaves) {
  const std::unique_ptr<Cache> cache = Make(absl::Hours(1), absl::Hours(1));
  std::atomic<bool> done{false};
  std::thread rounds([&] {
    // Every second one finds the thread below idle.
    for (int64_t now = Housekeeper::Now(); !done; now += 2 * 3'600'000) Housekeeper::RunOnce(now);
  });
  while (cache->Stats().counts[Count::kIdleDrain] < 10) {
    cache->Free(cache->Allocate());  // 16 in the sheaf
    EXPECT_EQ(cache->Stats().live, 0u);
    EXPECT_TRUE(cache->CheckInvariants().ok()) << cache->CheckInvariants();
    if (HasFailure()) break;
  }
  done = true;
  rounds.join();
}

}  // namespace
}  // namespace mxa::slab
