// SPDX-License-Identifier: Apache-2.0
//
// Critical allocations: the reserve of a page pool serves those who name it, nobody else, and is whole again afterwards.
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "base/fault_injector.h"
#include "gtest/gtest.h"
#include "reclaim/context.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "slab/notifier.h"
#include "slab/page_pool.h"
#include "tests/support/handle_table.h"

namespace mxa::slab {
namespace {

struct Order {
  size_t object_size;
  size_t units;  // of a slab
};

class CriticalTest : public testing::TestWithParam<Order> {
 protected:
  CriticalTest() {
    arena_ =
        Arena::Create({.reserve_bytes = 16 * kRegionSize, .min_reserve_bytes = kRegionSize, .faults = &page_faults_})
            .value();
    pool_ = PagePool::Create({.name = "reserve",
                              .arena = arena_.get(),
                              .min_units = 4 * GetParam().units,
                              .largest_run_units = GetParam().units})
                .value();
    cache_ = Cache::Create({.name = "critical", .object_size = GetParam().object_size, .arena = arena_.get()}).value();
    EXPECT_EQ(cache_->Shape().units_per_slab, GetParam().units);
  }
  ~CriticalTest() override {
    EXPECT_TRUE(cache_->CheckInvariants().ok()) << cache_->CheckInvariants();
    ExpectPoolWhole();
  }

  void FailEveryPage() { page_faults_.Arm({}); }
  void ExpectPoolWhole() {
    EXPECT_EQ(pool_->Stats().held_units, 4 * GetParam().units);
    EXPECT_EQ(pool_->Stats().out_units, 0u);
    EXPECT_TRUE(pool_->CheckInvariants().ok()) << pool_->CheckInvariants();
    EXPECT_EQ(cache_->Stats().critical_slabs, 0u);
  }
  std::vector<void*> TakeAllCritical() {
    std::vector<void*> objects;
    while (void* object = cache_->AllocateCritical(*pool_)) {
      std::memset(object, 0x5a, GetParam().object_size);
      objects.push_back(object);
    }
    return objects;
  }

  FaultInjector page_faults_;
  std::unique_ptr<Arena> arena_;
  std::unique_ptr<PagePool> pool_;
  std::unique_ptr<Cache> cache_;
};

TEST_P(CriticalTest, ServesUpToTheReserveWhileThePageSourceFailsEveryRequest) {
  FailEveryPage();
  EXPECT_EQ(cache_->Allocate(), nullptr);
  const std::vector<void*> objects = TakeAllCritical();
  const size_t a_slab = std::min(cache_->Shape().objects_per_slab, size_t{256});
  EXPECT_EQ(objects.size(), 4 * a_slab);
  EXPECT_EQ(cache_->Stats().critical_slabs, 4u);
  EXPECT_EQ(cache_->Stats().live, objects.size());
  EXPECT_EQ(cache_->Allocate(), nullptr) << "others get nothing of it";
  EXPECT_TRUE(cache_->CheckInvariants().ok()) << cache_->CheckInvariants();
  for (void* object : objects) cache_->Free(object);
  ExpectPoolWhole();
}

TEST_P(CriticalTest, OthersGetNothingOfACriticalSlabThatHasRoom) {
  FailEveryPage();
  void* const object = cache_->AllocateCritical(*pool_);
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(cache_->Allocate(), nullptr);
  std::vector<void*> bulk(2);
  EXPECT_FALSE(cache_->AllocateBulk(absl::MakeSpan(bulk)));
  void* const other = cache_->AllocateCritical(*pool_);
  EXPECT_EQ(pool_->Stats().out_units, GetParam().units) << "the second comes from the same slab";
  cache_->Free(other);
  EXPECT_EQ(cache_->Allocate(), nullptr) << "what is freed enters no sheaf";
  cache_->Free(object);
}

TEST_P(CriticalTest, ComesFromOrdinarySlabsAsLongAsThereAreSome) {
  void* const object = cache_->AllocateCritical(*pool_);
  ASSERT_NE(object, nullptr);
  ExpectPoolWhole();
  EXPECT_EQ(cache_->Stats().counts[Count::kCriticalAlloc], 0u);
  cache_->Free(object);
}

TEST_P(CriticalTest, ThePoolIsWholeAsSoonAsTheLastObjectIsFree) {
  FailEveryPage();
  std::vector<void*> objects = {cache_->AllocateCritical(*pool_), cache_->AllocateCritical(*pool_)};
  cache_->Free(objects[0]);
  EXPECT_EQ(pool_->Stats().out_units, GetParam().units);
  std::thread([&] { cache_->Free(objects[1]); }).join();  // on whichever thread
  ExpectPoolWhole();
}

TEST_P(CriticalTest, FreeRcuGivesBackAfterTheGracePeriodWithoutWaitingForOthers) {
  FailEveryPage();
  void* const object = cache_->AllocateCritical(*pool_);
  cache_->FreeRcu(object);
  cache_->FreeRcuBarrier();
  ExpectPoolWhole();
  EXPECT_EQ(cache_->Stats().counts[Count::kRcuSheaf], 1u);
}

TEST_P(CriticalTest, TheDestructorOfARetiredObjectRunsOnce) {
  static int destroyed;
  destroyed = 0;
  const auto cache = Cache::Create({.name = "destroyed",
                                    .object_size = GetParam().object_size,
                                    .rcu_destructor = [](void*) { ++destroyed; },
                                    .arena = arena_.get()})
                         .value();
  FailEveryPage();
  for (int i = 0; i < 3; ++i) cache->FreeRcu(cache->AllocateCritical(*pool_));
  cache->FreeRcuBarrier();
  EXPECT_EQ(destroyed, 3);
  ExpectPoolWhole();
}

TEST_P(CriticalTest, EachPoolServesFromItsOwnSlabs) {
  const auto other = PagePool::Create({.name = "other",
                                       .arena = arena_.get(),
                                       .min_units = GetParam().units,
                                       .largest_run_units = GetParam().units})
                         .value();
  FailEveryPage();
  void* const first = cache_->AllocateCritical(*pool_);
  void* const second = cache_->AllocateCritical(*other);  // though the first one's slab has room
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(pool_->Stats().out_units, GetParam().units);
  EXPECT_EQ(other->Stats().out_units, GetParam().units);
  cache_->Free(second);
  EXPECT_EQ(other->Stats().out_units, 0u);
  cache_->Free(first);
}

TEST_P(CriticalTest, AVetoedSlabGoesBackToThePool) {
  class Never final : public Notifier {
    bool Agree(const CacheEvent& event) override { return event.kind != CacheEventKind::kNewSlab; }
  } never;
  NotifierChain chain;
  chain.Register(never);
  const auto cache =
      Cache::Create(
          {.name = "vetoed", .object_size = GetParam().object_size, .arena = arena_.get(), .notifiers = &chain})
          .value();
  FailEveryPage();
  EXPECT_EQ(cache->AllocateCritical(*pool_), nullptr);
  EXPECT_TRUE(cache->CheckInvariants().ok()) << "no critical slab keeps it slow: " << cache->CheckInvariants();
  ExpectPoolWhole();
  chain.Unregister(never);
}

TEST_P(CriticalTest, BulkFreesGiveBackToo) {
  FailEveryPage();
  const std::vector<void*> objects = TakeAllCritical();
  cache_->FreeBulk(objects);
}

TEST_P(CriticalTest, AWaiterGetsWhatAnotherThreadFrees) {
  FailEveryPage();
  std::vector<void*> objects = TakeAllCritical();
  absl::Notification begun;
  void* got = nullptr;
  std::thread waiter([&] {
    begun.Notify();
    got = cache_->AllocateCritical(*pool_, absl::InfiniteDuration());
  });
  begun.WaitForNotification();
  cache_->Free(objects.back());
  objects.pop_back();
  waiter.join();
  ASSERT_NE(got, nullptr);
  objects.push_back(got);
  cache_->FreeBulk(objects);
}

TEST_P(CriticalTest, WaitingEndsInTime) {
  FailEveryPage();
  const std::vector<void*> objects = TakeAllCritical();
  EXPECT_EQ(cache_->AllocateCritical(*pool_, absl::Milliseconds(5)), nullptr);
  EXPECT_EQ(cache_->Stats().counts[Count::kCriticalWait], 1u);
  cache_->FreeBulk(objects);
}

TEST_P(CriticalTest, OrdinaryAllocationsUseOrdinarySlabsBesideCriticalOnes) {
  FailEveryPage();
  void* const critical = cache_->AllocateCritical(*pool_);
  page_faults_.Disarm();
  void* const ordinary = cache_->Allocate();
  ASSERT_NE(ordinary, nullptr);
  EXPECT_NE(arena_->SlabOf(ordinary), arena_->SlabOf(critical));
  cache_->Free(ordinary);
  EXPECT_GT(cache_->Stats().cached, 0u) << "ordinary objects still go to sheaves";
  cache_->Free(critical);
  EXPECT_TRUE(cache_->CheckInvariants().ok()) << "fences are up again: " << cache_->CheckInvariants();
}

INSTANTIATE_TEST_SUITE_P(Orders, CriticalTest,
                         testing::Values(Order{64, 1}, Order{1000, 1}, Order{16384, 2}, Order{65536, 8}),
                         [](const auto& info) { return std::to_string(info.param.object_size) + "Bytes"; });

TEST(CriticalPassTest, APassEvacuatesCriticalSlabsOnceThePressureEnds) {
  FaultInjector page_faults;
  test::HandleTable table({.slots = 64, .page_faults = &page_faults});
  auto pool = PagePool::Create({.name = "reserve", .arena = &table.arena(), .min_units = 2}).value();
  page_faults.Arm({});
  for (size_t slot = 0; slot < 20; ++slot) ASSERT_TRUE(table.CreateCritical(slot, *pool));
  EXPECT_EQ(table.cache().Stats().critical_slabs, 1u);
  const CompactStats during = table.cache().Compact().value();
  EXPECT_EQ(during.objects_moved, 0u) << "there is nowhere to go yet";
  EXPECT_EQ(table.cache().Stats().critical_slabs, 1u);
  page_faults.Disarm();
  const CompactStats after = table.cache().Compact().value();
  EXPECT_EQ(after.objects_moved, 20u);
  EXPECT_EQ(table.cache().Stats().critical_slabs, 0u);
  EXPECT_EQ(pool->Stats().out_units, 0u);
  EXPECT_EQ(pool->Stats().held_units, 2u);
  EXPECT_EQ(table.cache().Stats().live, 20u);
  EXPECT_TRUE(table.cache().CheckInvariants().ok()) << table.cache().CheckInvariants();
  for (size_t slot = 0; slot < 20; ++slot) table.RemoveRcu(slot);
}

TEST(CriticalDeathTest, ThePoolMustFitTheCache) {
  auto arena = Arena::Create({.reserve_bytes = 8 * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  auto cache = Cache::Create({.name = "large", .object_size = 65536, .arena = arena.get()}).value();
  {
    auto small = PagePool::Create({.name = "small", .arena = arena.get(), .min_units = 1}).value();
    EXPECT_DEATH(static_cast<void>(cache->AllocateCritical(*small)), "runs are smaller than the cache's slabs");
    auto elsewhere = PagePool::Create({.name = "elsewhere", .min_units = 8, .largest_run_units = 8}).value();
    EXPECT_DEATH(static_cast<void>(cache->AllocateCritical(*elsewhere)), "of another arena");
  }
}

TEST(PoolOptionTest, TheCachesOfASubsystemRefillThePoolBeforeTheArena) {
  FaultInjector page_faults;
  auto arena =
      Arena::Create({.reserve_bytes = 8 * kRegionSize, .min_reserve_bytes = kRegionSize, .faults = &page_faults})
          .value();
  auto pool = PagePool::Create({.name = "lender", .arena = arena.get(), .min_units = 0}).value();
  {
    auto cache =
        Cache::Create({.name = "refiller", .object_size = 4096, .arena = arena.get(), .pool = pool.get()}).value();
    std::vector<void*> objects(100);
    ASSERT_TRUE(cache->AllocateBulk(absl::MakeSpan(objects)));
    page_faults.Arm({});
    ASSERT_FALSE(pool->Resize(4).ok());
    EXPECT_EQ(pool->Stats().held_units, 0u);
    cache->FreeBulk(objects);
    cache->Shrink();
  }
  EXPECT_EQ(pool->Stats().held_units, 4u);
  EXPECT_EQ(arena->units_held(), 4u) << "the arena got the rest";
}

}  // namespace
}  // namespace mxa::slab
