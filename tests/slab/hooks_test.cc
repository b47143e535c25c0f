// SPDX-License-Identifier: Apache-2.0
//
// A cache with hooks: debug checks, handlers and injected faults around every path of an object.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/fault_injector.h"
#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "slab/notifier.h"
#include "slab/page_pool.h"
#include "tests/support/fail_each_once.h"

namespace mxa::slab {
namespace {

constexpr DebugOptions kAllChecks = {
    .consistency = true, .red_zones = true, .poison = true, .track_owner = true, .random_order = true};

class HooksTest : public testing::Test {
 protected:
  std::unique_ptr<Cache> Make(CacheOptions options) {
    options.name = "hooked";
    if (options.object_size == 0) options.object_size = 100;
    options.arena = arena_.get();
    return Cache::Create(options).value();
  }
  static void ExpectSound(Cache& cache) {
    EXPECT_TRUE(cache.CheckInvariants().ok()) << cache.CheckInvariants();
    const CacheStats stats = cache.Stats();
    EXPECT_EQ(stats.live + stats.cached + stats.retired + stats.free, stats.slabs * stats.objects_per_slab) << "S3";
  }
  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = 16 * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
};
using HooksDeathTest = HooksTest;

// --- Debug options ---

TEST_F(HooksTest, EveryPathLeavesCheckedObjectsSound) {
  const auto cache = Make({.debug = kAllChecks});
  std::vector<void*> objects;
  for (int i = 0; i < 1000; ++i) {
    objects.push_back(cache->Allocate());
    std::memset(objects.back(), i, 100);
  }
  ExpectSound(*cache);
  for (int i = 0; i < 300; ++i) cache->Free(objects[i]);
  for (int i = 300; i < 600; ++i) cache->FreeRcu(objects[i]);
  cache->FreeBulk(absl::MakeConstSpan(objects).subspan(600));
  objects.assign(200, nullptr);
  ASSERT_TRUE(cache->AllocateBulk(absl::MakeSpan(objects)));
  {
    PrefilledSheaf sheaf = cache->Prefill(100).value();
    objects.push_back(sheaf.Allocate());
  }
  cache->FreeRcuBarrier();
  ExpectSound(*cache);
  for (void* object : objects) cache->Free(object);
  cache->Shrink();
  EXPECT_EQ(cache->Stats().slabs, 0u);
  ExpectSound(*cache);
}

TEST_F(HooksTest, PoisonedObjectsAreConstructedAtEachAllocationAndDestroyedAtEachFree) {
  static int alive;
  alive = 0;
  const auto cache = Make({.constructor = [](void* object) { ++alive, std::memset(object, 7, 100); },
                           .destructor = [](void*) { --alive; },
                           .debug = kAllChecks});
  std::vector<void*> objects;
  for (int i = 0; i < 100; ++i) {
    objects.push_back(cache->Allocate());
    EXPECT_EQ(static_cast<char*>(objects.back())[99], 7);
  }
  EXPECT_EQ(alive, 100);
  for (int i = 0; i < 50; ++i) cache->Free(objects[i]);
  for (int i = 50; i < 100; ++i) cache->FreeRcu(objects[i]);
  cache->FreeRcuBarrier();
  EXPECT_EQ(alive, 0);
}

TEST_F(HooksTest, PoisonedObjectsOfAPagePoolAreDestroyedAfterTheirGracePeriod) {
  static int alive;
  alive = 0;
  const auto pool = PagePool::Create({.name = "critical", .arena = arena_.get(), .min_units = 1}).value();
  FaultInjector faults;
  faults.Arm({});
  const auto cache = Make({.constructor = [](void*) { ++alive; },
                           .destructor = [](void*) { --alive; },
                           .rcu_destructor = [](void*) {},
                           .faults = &faults,
                           .debug = kAllChecks});
  void* object = cache->AllocateCritical(*pool);
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(cache->Stats().critical_slabs, 1u);
  EXPECT_EQ(alive, 1);
  cache->FreeRcu(object);
  cache->FreeRcuBarrier();
  EXPECT_EQ(alive, 0);
}

TEST_F(HooksTest, TheLargestObjectsCanBeChecked) {
  const auto cache = Make({.object_size = size_t{256} << 10, .debug = kAllChecks});
  void* object = cache->Allocate();
  ASSERT_NE(object, nullptr);
  std::memset(object, 1, size_t{256} << 10);
  ExpectSound(*cache);
  cache->Free(object);
}

TEST_F(HooksTest, RandomOrderIsNotTheOrderOfAddresses) {
  const auto plain = Make({});
  const auto random = Make({.debug = {.random_order = true}});
  for (const auto& [cache, sorted] : {std::pair(plain.get(), true), std::pair(random.get(), false)}) {
    std::vector<void*> objects;
    for (int i = 0; i < 64; ++i) objects.push_back(cache->Allocate());
    EXPECT_EQ(std::is_sorted(objects.begin(), objects.end()), sorted);
    EXPECT_EQ(std::set<void*>(objects.begin(), objects.end()).size(), 64u);
    cache->FreeBulk(objects);
  }
}

TEST_F(HooksTest, QuarantineKeepsFreedObjectsFromReuse) {
  const auto cache = Make({.sheaf_capacity = 4, .debug = {.consistency = true, .quarantine_objects = 10}});
  void* const first = cache->Allocate();
  cache->Free(first);
  EXPECT_EQ(cache->Stats().cached, 4u) << "in quarantine, and in the sheaf";
  std::vector<void*> others;
  for (int i = 0; i < 10; ++i) {
    others.push_back(cache->Allocate());
    EXPECT_NE(others.back(), first);
  }
  cache->FreeBulk(others);
  EXPECT_EQ(cache->Allocate(), first) << "it fell out when ten others were in";
  cache->Free(first);
  ExpectSound(*cache);
}

TEST_F(HooksDeathTest, ADoubleFreeIsFoundAtOnce) {
  const auto cache = Make({.debug = {.consistency = true}});
  void* const object = cache->Allocate();
  cache->Free(object);
  EXPECT_DEATH(cache->Free(object), "mxa: double free: cache hooked, object 0x");
  EXPECT_DEATH(cache->FreeRcu(object), "mxa: .*: cache hooked, object 0x");
}

TEST_F(HooksDeathTest, AWriteAfterFreeIsFoundAtTheNextAllocation) {
  const auto cache = Make({.debug = {.poison = true}});
  char* const object = static_cast<char*>(cache->Allocate());
  cache->Free(object);
  object[50] = 1;
  EXPECT_DEATH(static_cast<void>(cache->Allocate()), "cache hooked, object 0x");
  EXPECT_FALSE(cache->CheckInvariants().ok());
  object[50] = 0x6b;
}

TEST_F(HooksDeathTest, AWriteAfterFreeIsFoundWhenTheSlabGoes) {
  const auto cache = Make({.debug = {.poison = true}});
  char* const object = static_cast<char*>(cache->Allocate());
  cache->Free(object);
  object[50] = 1;
  EXPECT_DEATH(cache->Shrink(), "cache hooked, object 0x");
  object[50] = 0x6b;
}

TEST_F(HooksDeathTest, AnOverrunIsFoundWhenTheObjectIsFreed) {
  const auto cache = Make({.debug = {.red_zones = true}});
  char* const object = static_cast<char*>(cache->Allocate());
  const char before = object[100];
  object[100] = 1;
  EXPECT_DEATH(cache->Free(object), "cache hooked, object 0x");
  object[100] = before;
  cache->Free(object);
}

TEST_F(HooksDeathTest, BadPointersAreFoundBeforeAnythingIsWrittenThere) {
  const auto cache = Make({.debug = kAllChecks});
  const auto other = Make({});
  char* const object = static_cast<char*>(cache->Allocate());
  void* const foreign = other->Allocate();
  EXPECT_DEATH(cache->Free(object + 8), "free of an interior pointer");
  EXPECT_DEATH(cache->FreeRcu(foreign), "free to the wrong cache");
  int local = 0;
  EXPECT_DEATH(cache->Free(&local), "outside the arena");
  cache->Free(object);
  other->Free(foreign);
}

TEST_F(HooksDeathTest, LeaksAreNamedWithTheirAllocation) {
  auto cache = Make({.debug = {.track_owner = true}});
  static_cast<void>(cache->Allocate());
  EXPECT_DEATH(cache.reset(), "1 objects not freed, among them 0x[0-9a-f]+.*allocated by thread");
  // Cannot be destroyed, nor can its arena.
  static_cast<void>(cache.release());
  static_cast<void>(arena_.release());
}

// --- Handlers ---

struct Recorder final : Notifier {
  bool Agree(const CacheEvent& event) override {
    ++agreed[event.kind];
    if (event.kind == CacheEventKind::kAllocate && veto_allocations) return false;
    if (event.kind == CacheEventKind::kNewSlab && veto_slabs) return false;
    if (event.kind == CacheEventKind::kAllocate) live.insert(event.address);
    return true;
  }
  void RollBack(const CacheEvent& event) override {
    ++rolled_back[event.kind];
    if (event.kind == CacheEventKind::kAllocate) live.erase(event.address);
  }
  void Notice(const CacheEvent& event) override {
    ++noticed[event.kind];
    if (event.kind == CacheEventKind::kFree) {
      EXPECT_EQ(live.erase(event.address), 1u);
    }
  }
  bool veto_allocations = false;
  bool veto_slabs = false;
  std::set<const void*> live;
  std::map<CacheEventKind, int> agreed, rolled_back, noticed;
};

TEST_F(HooksTest, HandlersHearOfEveryObjectAndSlabOnce) {
  NotifierChain chain;
  Recorder recorder;
  chain.Register(recorder);
  {
    const auto cache = Make({.notifiers = &chain});
    std::vector<void*> objects(2000);
    ASSERT_TRUE(cache->AllocateBulk(absl::MakeSpan(objects)));
    for (int i = 0; i < 10; ++i) objects.push_back(cache->Allocate());
    EXPECT_EQ(recorder.live, std::set<const void*>(objects.begin(), objects.end()));
    EXPECT_EQ(recorder.agreed[CacheEventKind::kNewSlab], static_cast<int>(cache->Stats().slabs));
    for (int i = 0; i < 1000; ++i) cache->FreeRcu(objects[i]);
    cache->FreeBulk(absl::MakeConstSpan(objects).subspan(1000));
    EXPECT_TRUE(recorder.live.empty());
  }
  EXPECT_EQ(recorder.agreed[CacheEventKind::kNewSlab], recorder.noticed[CacheEventKind::kFreeSlab]);
  EXPECT_TRUE(recorder.rolled_back.empty()) << "all of it happened";
  chain.Unregister(recorder);
}

TEST_F(HooksTest, AVetoedAllocationLeavesNothingBehind) {
  NotifierChain chain;
  Recorder first;
  Recorder second;
  chain.Register(first);
  chain.Register(second);
  const auto cache = Make({.notifiers = &chain});
  second.veto_allocations = true;
  EXPECT_EQ(cache->Allocate(), nullptr);
  EXPECT_EQ(first.rolled_back[CacheEventKind::kAllocate], 1);
  EXPECT_EQ(cache->Stats().live, 0u);
  EXPECT_EQ(cache->Stats().counts[Count::kVeto], 1u);
  std::vector<void*> bulk(3);
  EXPECT_FALSE(cache->AllocateBulk(absl::MakeSpan(bulk)));
  EXPECT_FALSE(cache->Prefill(3).ok());
  EXPECT_TRUE(first.live.empty());
  second.veto_allocations = false;
  void* const object = cache->Allocate();
  EXPECT_NE(object, nullptr);
  cache->Free(object);
  ExpectSound(*cache);
  chain.Unregister(first);
  chain.Unregister(second);
}

TEST_F(HooksTest, HandlersHearOfPrefilledObjectsThoughTheBarnHasFullSheaves) {
  NotifierChain chain;
  Recorder recorder;
  chain.Register(recorder);
  const auto cache = Make({.sheaf_capacity = 4, .notifiers = &chain});
  std::vector<void*> objects(40);
  ASSERT_TRUE(cache->AllocateBulk(absl::MakeSpan(objects)));
  for (void* object : objects) cache->Free(object);
  ASSERT_GT(cache->Stats().counts[Count::kBarnPut], 0u);
  {
    PrefilledSheaf sheaf = cache->Prefill(3).value();
    EXPECT_EQ(recorder.live.size(), 3u) << "asked when they leave the cache, not when they are handed out";
    cache->Free(sheaf.Allocate());
  }
  EXPECT_TRUE(recorder.live.empty());
  ExpectSound(*cache);
  chain.Unregister(recorder);
}

TEST_F(HooksTest, AVetoedSlabIsLikeNoMemory) {
  NotifierChain chain;
  Recorder recorder;
  chain.Register(recorder);
  const auto cache = Make({.notifiers = &chain});
  recorder.veto_slabs = true;
  EXPECT_EQ(cache->Allocate(AllocFlags::kMayReclaim), nullptr);
  EXPECT_EQ(recorder.agreed[CacheEventKind::kAllocate], 0);
  EXPECT_EQ(arena_->units_held(), 0u);
  chain.Unregister(recorder);
}

// --- Faults ---

TEST_F(HooksTest, EveryFailureOfEveryPathIsCleanAndLosesNothing) {
  FaultInjector faults;
  const auto cache = Make({.sheaf_capacity = 4, .faults = &faults});
  const size_t points = tests::FailEachOnce(faults, [&] {
    std::vector<void*> objects;
    for (int i = 0; i < 30; ++i) {
      if (void* object = cache->Allocate()) objects.push_back(object);
    }
    std::vector<void*> bulk(20);
    if (cache->AllocateBulk(absl::MakeSpan(bulk))) cache->FreeBulk(bulk);
    absl::StatusOr<PrefilledSheaf> sheaf = cache->Prefill(9);
    if (sheaf.ok()) {
      objects.push_back(sheaf->Allocate());
      static_cast<void>(sheaf->Refill(12));
      sheaf->Return();
    }
    for (size_t i = 0; i < objects.size(); ++i) i % 2 == 0 ? cache->Free(objects[i]) : cache->FreeRcu(objects[i]);
    cache->FreeRcuBarrier();
    cache->Shrink();
    EXPECT_EQ(cache->Stats().live, 0u);
    ExpectSound(*cache);
  });
  EXPECT_GT(points, 60u) << "allocations, slabs and sheaves";
}

TEST_F(HooksTest, AnInjectedFaultIsAFailedAllocation) {
  FaultInjector faults;
  const auto cache = Make({.faults = &faults});
  faults.Arm({});
  EXPECT_EQ(cache->Allocate(), nullptr);
  EXPECT_EQ(cache->Stats().counts[Count::kAllocFailed], 1u);
  EXPECT_EQ(cache->Stats().counts[Count::kAllocSlow], 0u) << "refused before anything else is done";
  faults.Arm({.space = 1});  // the allocation goes on, and finds no slab to be had
  EXPECT_EQ(cache->Allocate(AllocFlags::kMayReclaim), nullptr);
  EXPECT_EQ(cache->Stats().counts[Count::kAllocFailed], 2u);
  EXPECT_EQ(cache->Stats().slabs_created, 0u);
}

TEST_F(HooksTest, WithoutMemoryForASheafWhatIsFreedGoesToItsSlabs) {
  FaultInjector faults;
  const auto cache = Make({.sheaf_capacity = 4, .faults = &faults});
  std::vector<void*> objects(40);
  ASSERT_TRUE(cache->AllocateBulk(absl::MakeSpan(objects)));
  const CacheStats before = cache->Stats();
  faults.Arm({});
  for (void* object : objects) cache->Free(object);
  const CacheStats after = cache->Stats();
  EXPECT_EQ(after.counts[Count::kSheafAlloc], before.counts[Count::kSheafAlloc]);
  EXPECT_GT(after.counts[Count::kFlush], before.counts[Count::kFlush]);
  EXPECT_LE(after.cached, 8u) << "two sheaves";
  faults.Disarm();
  ExpectSound(*cache);
}

TEST_F(HooksTest, FreeRcuTakesTheSpareWhenThereIsNoMemoryForASheaf) {
  static int destroyed;
  destroyed = 0;
  FaultInjector faults;
  const auto cache = Make({.rcu_destructor = [](void*) { ++destroyed; }, .sheaf_capacity = 4, .faults = &faults});
  std::vector<void*> objects;
  for (int i = 0; i < 10; ++i) objects.push_back(cache->Allocate());
  faults.Arm({});
  for (void* object : objects) cache->FreeRcu(object);  // needs three sheaves, and gets no new one
  cache->FreeRcuBarrier();
  EXPECT_EQ(destroyed, 10);
  EXPECT_EQ(cache->Stats().counts[Count::kRcuObject], 10u);
  faults.Disarm();
  ExpectSound(*cache);
}

}  // namespace
}  // namespace mxa::slab
