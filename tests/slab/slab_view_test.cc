// SPDX-License-Identifier: Apache-2.0
//
// Property: a view shows every slab of a cache once, those of a running pass included.
#include "slab/slab_view.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "base/fault_injector.h"
#include "gtest/gtest.h"
#include "reclaim/movable.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "slab/page_pool.h"

namespace mxa::slab {
namespace {

// Moves nothing, and looks at the slabs while it is asked to.
class Onlooker final : public reclaim::Movable {
 public:
  bool CanFree(absl::Span<void*>) override { return true; }
  void Reclaim(absl::Span<void*> objects, reclaim::MoveTarget& target) override {
    if (seen.empty()) seen = cache->Slabs();
    for (void* object : objects) target.Settle(object, reclaim::MoveResult::kBusy);
  }

  Cache* cache = nullptr;
  std::vector<SlabView> seen;
};

class SlabViewTest : public testing::Test {
 protected:
  SlabViewTest() {
    cache_ = Cache::Create({.name = "viewed",
                            .object_size = 4096,
                            .constructor = [](void*) {},
                            .movable = &onlooker_,
                            .arena = arena_.get()})
                 .value();
    onlooker_.cache = cache_.get();
    for (void*& object : objects_) object = cache_->Allocate();
  }
  ~SlabViewTest() override {
    for (void* object : objects_) cache_->Free(object);
  }

  static std::set<uintptr_t> Addresses(const std::vector<SlabView>& slabs) {
    std::set<uintptr_t> addresses;
    for (const SlabView& slab : slabs) addresses.insert(slab.address);
    return addresses;
  }
  static auto CountOf(const std::vector<SlabView>& slabs, SlabState state) {
    return std::count_if(slabs.begin(), slabs.end(), [&](const SlabView& slab) { return slab.state == state; });
  }

  std::unique_ptr<Arena> arena_ = Arena::Create({.reserve_bytes = size_t{64} << 20}).value();
  Onlooker onlooker_;
  std::unique_ptr<Cache> cache_;
  void* objects_[80];  // of 16 a slab
};

TEST_F(SlabViewTest, ShowsEachSlab) {
  const std::vector<SlabView> slabs = cache_->Slabs();
  const CacheStats stats = cache_->Stats();
  EXPECT_EQ(slabs.size(), stats.slabs);
  EXPECT_EQ(Addresses(slabs).size(), stats.slabs);
  size_t live = 0;
  for (const SlabView& slab : slabs) {
    live += slab.live;
    EXPECT_EQ(slab.capacity, 16);
    EXPECT_EQ(slab.units, 1);
    EXPECT_EQ(slab.state, SlabState::kListed);
    EXPECT_EQ(slab.region, 0u);
    EXPECT_LT(slab.first_unit, kUnitsPerRegion);
  }
  EXPECT_EQ(live, stats.live + stats.cached);
}

TEST(SlabViewOfCriticalSlabsTest, ShowsThem) {
  FaultInjector page_faults;
  const auto arena = Arena::Create({.reserve_bytes = size_t{64} << 20, .faults = &page_faults}).value();
  const auto pool = PagePool::Create({.name = "reserve", .arena = arena.get(), .min_units = 1}).value();
  const auto cache = Cache::Create({.name = "viewed", .object_size = 4096, .arena = arena.get()}).value();
  page_faults.Arm({});
  void* const object = cache->AllocateCritical(*pool);
  ASSERT_NE(object, nullptr);
  const std::vector<SlabView> slabs = cache->Slabs();
  ASSERT_EQ(slabs.size(), 1u);
  EXPECT_EQ(slabs[0].state, SlabState::kCritical);
  EXPECT_EQ(slabs[0].live, 1u);
  EXPECT_EQ(slabs[0].address, reinterpret_cast<uintptr_t>(object));
  cache->Free(object);
  EXPECT_TRUE(cache->Slabs().empty());
}

TEST_F(SlabViewTest, ShowsTheSlabsOfAPass) {
  const size_t slabs = cache_->Stats().slabs;
  ASSERT_TRUE(cache_->Compact({.mode = CompactOptions::Mode::kMoveEverything, .batch_objects = 1}).ok());
  EXPECT_GE(Addresses(onlooker_.seen).size(), slabs);
  EXPECT_EQ(Addresses(onlooker_.seen).size(), onlooker_.seen.size());
  EXPECT_GE(CountOf(onlooker_.seen, SlabState::kIsolated), 1);
  EXPECT_GE(CountOf(onlooker_.seen, SlabState::kPlanned), 1);
}

}  // namespace
}  // namespace mxa::slab
