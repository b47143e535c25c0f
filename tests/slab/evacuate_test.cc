// SPDX-License-Identifier: Apache-2.0
//
// A pass that evacuates a range of addresses leaves nothing there that could move, whatever the slabs hold.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/block_isolation.h"
#include "slab/cache.h"
#include "tests/support/stubborn_table.h"

namespace mxa::slab {
namespace {

using test::StubbornTable;

constexpr size_t kRegions = 4;
constexpr size_t kSlots = 2 * kUnitsPerRegion * 64;

class EvacuateTest : public testing::Test {
 protected:
  EvacuateTest() {
    for (size_t slot = 0; slot < kSlots; ++slot) EXPECT_TRUE(table_.Create(slot));
  }
  ~EvacuateTest() override {
    EXPECT_TRUE(table_.Intact());
    EXPECT_TRUE(table_.cache().CheckInvariants().ok()) << table_.cache().CheckInvariants();
  }
  // Region 0, in batches of few objects.
  CompactOptions Range() const {
    const uintptr_t begin = arena_->slabs_end() - arena_->reserved_bytes();
    return {.mode = CompactOptions::Mode::kEvacuate,
            .range_begin = begin,
            .range_end = begin + kRegionSize,
            .batch_objects = 200};
  }
  bool InRange(size_t slot) const { return arena_->RegionOf(arena_->SlabOf(table_.At(slot))) == 0; }

  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = kRegions * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  StubbornTable table_{*arena_, kSlots};
};

TEST_F(EvacuateTest, FullSlabsLeave) {
  const BlockIsolation isolation(*arena_, {0, kUnitsPerRegion});
  const CompactStats pass = table_.cache().Compact(Range()).value();
  EXPECT_EQ(pass.objects_moved, kUnitsPerRegion * 64);
  EXPECT_EQ(pass.slabs_released, kUnitsPerRegion);
  EXPECT_TRUE(arena_->IsFree({0, kUnitsPerRegion}));
}

TEST_F(EvacuateTest, EmptySlabsOfTheRangeGoAndOthersStay) {
  for (size_t slot = 0; slot < kSlots; ++slot) table_.Remove(slot);
  const BlockIsolation isolation(*arena_, {0, kUnitsPerRegion});
  ASSERT_GT(table_.cache().Stats().slabs, kUnitsPerRegion) << "they wait for the next burst";
  EXPECT_EQ(table_.cache().Compact(Range()).value().objects_moved, 0u);
  EXPECT_TRUE(arena_->IsFree({0, kUnitsPerRegion}));
  EXPECT_FALSE(arena_->IsFree({kUnitsPerRegion, kUnitsPerRegion}));
}

// Slabs that stay because of one object each have room, and are the first to be settled: no later batch may fill them.
TEST_F(EvacuateTest, NothingMovesIntoTheRange) {
  std::set<const void*> stubborn;
  std::set<const Slab*> slabs;
  for (size_t slot = 0; slot < kSlots; ++slot) {
    if (!InRange(slot) || !slabs.insert(arena_->SlabOf(table_.At(slot))).second) continue;
    table_.SetAnswer(slot, slabs.size() % 2 == 0 ? StubbornTable::Answer::kPinned : StubbornTable::Answer::kBusy);
    stubborn.insert(table_.At(slot));
  }
  const BlockIsolation isolation(*arena_, {0, kUnitsPerRegion});
  const CompactStats pass = table_.cache().Compact(Range()).value();
  EXPECT_GT(pass.batches, 5u);
  EXPECT_EQ(pass.objects_moved, kUnitsPerRegion * 63);
  for (size_t slot = 0; slot < kSlots; ++slot) {
    EXPECT_EQ(InRange(slot), stubborn.contains(table_.At(slot))) << slot;
  }
}

TEST_F(EvacuateTest, SaysHowManyObjectsHadNowhereToGo) {
  const BlockIsolation isolation(*arena_, {0, kUnitsPerRegion});
  std::vector<Slab*> others;
  while (Slab* run = arena_->AllocateRun(1)) others.push_back(run);
  const CompactStats pass = table_.cache().Compact(Range()).value();
  EXPECT_EQ(pass.objects_moved, 0u);
  EXPECT_EQ(pass.objects_unplaced, kUnitsPerRegion * 64);
  arena_->FreeRuns(others);
}

TEST_F(EvacuateTest, AnotherRangeIsLeftAlone) {
  CompactOptions options = Range();
  options.range_end = options.range_begin;
  EXPECT_EQ(table_.cache().Compact(options).value().batches, 0u);
  options.range_end = options.range_begin + 1;
  EXPECT_EQ(table_.cache().Compact(options).value().objects_moved, 64u) << "the slab that reaches into it";
}

}  // namespace
}  // namespace mxa::slab
