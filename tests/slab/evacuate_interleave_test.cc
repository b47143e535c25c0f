// SPDX-License-Identifier: Apache-2.0
//
// What others do at named points of a pass that evacuates a range of addresses.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/block_isolation.h"
#include "slab/cache.h"
#include "tests/support/at_point.h"
#include "tests/support/stubborn_table.h"

namespace mxa::slab {
namespace {

constexpr size_t kRegions = 4;
constexpr size_t kSlots = 2 * kUnitsPerRegion * 64;

// An allocation that may take no new slab takes back one that the pass is about to mark: what is free there is no place to move
// to.
TEST(EvacuateInterleaveTest, NothingMovesToASlabThatAnAllocationTookBack) {
  const auto arena = Arena::Create({.reserve_bytes = kRegions * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  test::StubbornTable table(*arena, kSlots);
  for (size_t slot = 0; slot < kSlots; ++slot) ASSERT_TRUE(table.Create(slot));
  const auto in_range = [&](const void* object) { return arena->RegionOf(arena->SlabOf(object)) == 0; };
  std::map<size_t, const void*> before;
  for (size_t slot = 0; slot < kSlots; ++slot) {
    if (!in_range(table.At(slot))) continue;
    if (slot % 2 == 0) {
      table.Remove(slot);
    } else {
      before[slot] = table.At(slot);
    }
  }
  const uintptr_t begin = arena->slabs_end() - arena->reserved_bytes();
  const BlockIsolation isolation(*arena, {0, kUnitsPerRegion});
  void* taken = nullptr;
  {
    test::AtPoint at("pass.before_mark", [&] { taken = table.cache().Allocate(AllocFlags::kNoNewSlab); });
    const CompactStats pass = table.cache()
                                  .Compact({.mode = CompactOptions::Mode::kEvacuate,
                                            .range_begin = begin,
                                            .range_end = begin + kRegionSize,
                                            .batch_objects = 200})
                                  .value();
    EXPECT_GT(pass.objects_moved, 0u);
  }
  ASSERT_NE(taken, nullptr);
  EXPECT_TRUE(in_range(taken));
  for (const auto& [slot, object] : before) {
    EXPECT_TRUE(table.At(slot) == object || !in_range(table.At(slot))) << "slot " << slot << " moved into the range";
  }
  table.cache().Free(taken);
  EXPECT_TRUE(table.Intact());
  EXPECT_TRUE(table.cache().CheckInvariants().ok()) << table.cache().CheckInvariants();
}

}  // namespace
}  // namespace mxa::slab
