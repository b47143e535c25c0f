// SPDX-License-Identifier: Apache-2.0
//
// An allocation that may wait and finds no memory gets what other caches of its arena can do without, and what shrinkers
// drop; one that may not gets nothing, and disturbs nobody.
#include "slab/direct_reclaim.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "reclaim/shrinker_registry.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "tests/support/handle_table.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

using test::HandleTable;

std::unique_ptr<Cache> MakeNeedy(Arena& arena, const std::string& name = "needy") {
  return Cache::Create({.name = name, .object_size = 4096, .arena = &arena, .sheaf_capacity = 1}).value();
}

// An arena of one region, all of it with a movable cache that needs a tenth of it.
class DirectReclaimTest : public testing::Test {
 protected:
  DirectReclaimTest() {
    while (used_ < kSlots && table_.Create(used_)) ++used_;
    EXPECT_EQ(arena().units_held(), kUnitsPerRegion);
  }
  ~DirectReclaimTest() override {
    EXPECT_TRUE(table_.cache().CheckInvariants().ok()) << table_.cache().CheckInvariants();
    EXPECT_TRUE(arena().CheckInvariants().ok()) << arena().CheckInvariants();
    EXPECT_EQ(table_.violations(), 0u);
    for (size_t i = 0; i < used_; ++i) EXPECT_TRUE(table_.Read(i));
  }
  void Thin() {
    for (size_t i = 0; i < used_; ++i) {
      if (i % 10 != 0) table_.RemoveRcu(i);
    }
    table_.cache().FreeRcuBarrier();
  }
  Arena& arena() { return table_.arena(); }
  uint64_t passes() { return table_.cache().TotalCompactStats().passes; }

  static constexpr size_t kSlots = 100'000;
  HandleTable table_{{.slots = kSlots, .sheaf_capacity = 1, .reserve_bytes = kRegionSize}};
  size_t used_ = 0;
};

TEST_F(DirectReclaimTest, CompactsAnotherCacheForAnAllocationThatMayWait) {
  Thin();
  const auto needy = MakeNeedy(arena());
  EXPECT_EQ(needy->Allocate(), nullptr);
  EXPECT_EQ(passes(), 0u) << "without leave";
  void* object = needy->Allocate(AllocFlags::kMayReclaim);
  EXPECT_NE(object, nullptr);
  EXPECT_EQ(passes(), 1u);
  needy->Free(object);
}

TEST_F(DirectReclaimTest, AlsoForManyObjectsAtOnce) {
  Thin();
  const auto needy = MakeNeedy(arena());
  std::vector<void*> objects(20 * needy->Stats().objects_per_slab);
  EXPECT_FALSE(needy->AllocateBulk(absl::MakeSpan(objects)));
  ASSERT_TRUE(needy->AllocateBulk(absl::MakeSpan(objects), AllocFlags::kMayReclaim));
  needy->FreeBulk(objects);
}

TEST_F(DirectReclaimTest, NotWhereNothingMayBeReclaimed) {
  Thin();
  const auto needy = MakeNeedy(arena());
  {
    const reclaim::ArrayLockScope lock;
    EXPECT_EQ(needy->Allocate(AllocFlags::kMayReclaim), nullptr);
  }
  {
    const reclaim::NoReclaimScope callback;
    EXPECT_EQ(needy->Allocate(AllocFlags::kMayReclaim), nullptr);
  }
  {
    const reclaim::ReadSection section;
    EXPECT_EQ(needy->Allocate(AllocFlags::kMayReclaim), nullptr);
  }
  EXPECT_EQ(needy->Allocate(AllocFlags::kMayReclaim | AllocFlags::kNoNewSlab), nullptr) << "it may not use it";
  EXPECT_EQ(passes(), 0u);
}

TEST_F(DirectReclaimTest, LeavesFullCachesAlone) {
  const auto needy = MakeNeedy(arena());
  EXPECT_EQ(needy->Allocate(AllocFlags::kMayReclaim), nullptr);
  EXPECT_EQ(passes(), 0u);
}

TEST_F(DirectReclaimTest, FailsWhenNothingCanMove) {
  Thin();
  table_.refuse = true;
  const auto needy = MakeNeedy(arena());
  EXPECT_EQ(needy->Allocate(AllocFlags::kMayReclaim), nullptr);
  EXPECT_EQ(passes(), 1u) << "tried once";
  table_.refuse = false;
}

// A pass gives an empty slab back, whose destructors allocate: that must not start another pass.
TEST_F(DirectReclaimTest, NotInsideAPass) {
  Thin();
  static Cache* needed = nullptr;
  static std::atomic<int> failed{0};
  const auto needy = MakeNeedy(arena());
  needed = needy.get();
  failed = 0;
  auto parent = Arena::Create({.reserve_bytes = size_t{64} << 20}).value();
  class Keeper : public reclaim::Movable {
   public:
    bool CanFree(absl::Span<void*>) override { return false; }
    void Reclaim(absl::Span<void*>, reclaim::MoveTarget&) override {}
  } keeper;
  {
    auto cache = Cache::Create({.name = "parent",
                                .object_size = 4096,
                                .constructor = [](void*) {},
                                .destructor =
                                    [](void*) {
                                      if (needed != nullptr && needed->Allocate(AllocFlags::kMayReclaim) == nullptr)
                                        ++failed;
                                    },
                                .movable = &keeper,
                                .arena = parent.get(),
                                .empty_slab_delay = absl::InfiniteDuration()})
                     .value();
    cache->Free(cache->Allocate());
    ASSERT_TRUE(cache->Compact().ok());
    EXPECT_GT(failed, 0);
    EXPECT_EQ(passes(), 0u);
    needed = nullptr;
  }
}

// Keeps objects that it could make again.
class Droppable : public reclaim::Shrinker {
 public:
  explicit Droppable(Arena& arena, void (*destructor)(void*) = nullptr)
      : cache_(Cache::Create({.name = "droppable",
                              .object_size = 4096,
                              .destructor = destructor,
                              .arena = &arena,
                              .sheaf_capacity = 1})
                   .value()) {}
  ~Droppable() override {
    for (void* object : kept_) cache_->Free(object);
  }
  void Fill() {
    while (void* object = cache_->Allocate()) kept_.push_back(object);
    kept_count_ = kept_.size();
  }
  size_t Count(int) override { return kept_.size(); }
  absl::StatusOr<reclaim::Scanned> Scan(const reclaim::ScanRequest& request) override {
    const size_t dropped = Drop(request.objects);
    return reclaim::Scanned{.objects = dropped, .bytes = 4096 * dropped};
  }
  size_t Drop(size_t objects) {
    size_t dropped = 0;
    for (; dropped < objects && !kept_.empty(); ++dropped) {
      if (spread) std::swap(kept_[dropped * 37 % kept_.size()], kept_.back());
      rcu ? cache_->FreeRcu(kept_.back()) : cache_->Free(kept_.back());
      kept_.pop_back();
      --kept_count_;
    }
    return dropped;
  }
  Cache& cache() { return *cache_; }
  size_t kept() const { return kept_count_; }

  bool rcu = false;     // frees after a grace period
  bool spread = false;  // drops from all slabs

 private:
  std::unique_ptr<Cache> cache_;
  std::vector<void*> kept_;
  std::atomic<size_t> kept_count_{0};  // of these, for other threads
};

class DirectShrinkTest : public testing::Test {
 protected:
  DirectShrinkTest() { droppable_.Fill(); }
  reclaim::ShrinkerHandle Register(bool direct) {
    return reclaim::ShrinkerRegistry::Default().Register(droppable_,
                                                         {.name = "droppable", .batch = 16, .direct = direct});
  }
  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  Droppable droppable_{*arena_};
};

TEST_F(DirectShrinkTest, AsksShrinkersThatAllowItForNoMoreThanItTakes) {
  const reclaim::ShrinkerHandle handle = Register(/*direct=*/true);
  const size_t before = droppable_.kept();
  const auto needy = MakeNeedy(*arena_);
  EXPECT_EQ(needy->Allocate(), nullptr);
  EXPECT_EQ(droppable_.kept(), before);
  void* object = needy->Allocate(AllocFlags::kMayReclaim);
  EXPECT_NE(object, nullptr);
  EXPECT_LT(droppable_.kept(), before);
  EXPECT_GT(droppable_.kept(), before / 2);
  needy->Free(object);
}

TEST_F(DirectShrinkTest, LeavesTheOthersAlone) {
  const reclaim::ShrinkerHandle handle = Register(/*direct=*/false);
  const size_t before = droppable_.kept();
  EXPECT_EQ(MakeNeedy(*arena_)->Allocate(AllocFlags::kMayReclaim), nullptr);
  EXPECT_EQ(droppable_.kept(), before);
}

// What is freed by way of a grace period is waited for, rather than more be asked for.
TEST_F(DirectShrinkTest, WaitsForWhatWasDroppedBeforeItAsksForMore) {
  droppable_.rcu = true;
  const reclaim::ShrinkerHandle handle = Register(/*direct=*/true);
  const size_t before = droppable_.kept();
  const auto needy = MakeNeedy(*arena_);
  std::atomic<bool> inside{false};
  tests::ThreadGroup threads;
  threads.Start("reader", [&] {
    const reclaim::ReadSection section;
    inside = true;
    while (droppable_.kept() == before) std::this_thread::yield();
    absl::SleepFor(absl::Milliseconds(100));  // time enough to ask for everything
  });
  while (!inside) std::this_thread::yield();
  void* object = needy->Allocate(AllocFlags::kMayReclaim);
  threads.JoinAll();
  EXPECT_NE(object, nullptr);
  EXPECT_GT(droppable_.kept(), before * 3 / 4);
  needy->Free(object);
}

// The objects that are dropped are of the cache that needs one.
TEST_F(DirectShrinkTest, APlaceInItsOwnSlabsWillDo) {
  const reclaim::ShrinkerHandle handle = Register(/*direct=*/true);
  const size_t before = droppable_.kept();
  droppable_.spread = true;  // no slab becomes empty soon
  void* object = droppable_.cache().Allocate(AllocFlags::kMayReclaim);
  EXPECT_NE(object, nullptr);
  EXPECT_GE(droppable_.kept(), before * 3 / 4);
  droppable_.cache().Free(object);
}

// Slabs that are given back run destructors, and those may allocate: they fail rather than wait for themselves.
TEST_F(DirectShrinkTest, ADestructorThatAllocatesMeanwhileGetsNothing) {
  static Cache* wanting = nullptr;
  static std::atomic<int> failed{0};
  failed = 0;
  auto other_arena = Arena::Create({.reserve_bytes = kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  Droppable full(*other_arena);
  full.Fill();
  const auto wanter = MakeNeedy(*other_arena, "wanter");
  Droppable destroyed(*arena_, [](void*) {
    if (wanting != nullptr && wanting->Allocate(AllocFlags::kMayReclaim) == nullptr) ++failed;
  });
  droppable_.Drop(3 * droppable_.cache().Stats().objects_per_slab);
  ASSERT_GT(droppable_.cache().Shrink(), 0u);
  destroyed.Fill();
  const reclaim::ShrinkerHandle handle = reclaim::ShrinkerRegistry::Default().Register(
      destroyed, {.name = "destroyed", .seeks = 1, .batch = 1, .direct = true});
  wanting = wanter.get();
  const auto needy = MakeNeedy(*arena_);
  void* object = needy->Allocate(AllocFlags::kMayReclaim);
  wanting = nullptr;
  EXPECT_GT(failed, 0);
  ASSERT_NE(object, nullptr) << "it is the other's allocation that failed";
  needy->Free(object);
}

// Several that find no memory at once: one reclaims, all get of it.
TEST_F(DirectReclaimTest, SharesWhatOneGainsAmongThoseWhoWait) {
  Thin();
  const auto needy = MakeNeedy(arena());
  const size_t each = 4 * needy->Stats().objects_per_slab;
  std::atomic<int> failures{0};
  tests::StartBarrier start(4);
  tests::ThreadGroup threads;
  for (int i = 0; i < 4; ++i) {
    threads.Start("needy", [&] {
      start.Await();
      std::vector<void*> objects;
      for (size_t n = 0; n < each; ++n) {
        void* object = needy->Allocate(AllocFlags::kMayReclaim);
        if (object == nullptr) {
          ++failures;
          break;
        }
        objects.push_back(object);
      }
      for (void* object : objects) needy->Free(object);
    });
  }
  threads.JoinAll();
  EXPECT_EQ(failures, 0);
  EXPECT_GE(passes(), 1u);
  EXPECT_LE(passes(), 4u);
}

}  // namespace
}  // namespace mxa::slab
