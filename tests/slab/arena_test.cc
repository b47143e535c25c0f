// SPDX-License-Identifier: Apache-2.0
//
// The arena hands out aligned, zeroed runs from the fullest region that has room, and really gives their pages back.
#include "slab/arena.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace mxa::slab {
namespace {

constexpr size_t kRegions = 4;

class ArenaTest : public testing::Test {
 protected:
  ~ArenaTest() override {
    EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
    arena_->FreeRuns(held_);
    EXPECT_EQ(arena_->regions_held(), 0u);
    EXPECT_EQ(arena_->units_held(), 0u);
    EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
  }

  Slab* Take(size_t units) {
    Slab* slab = arena_->AllocateRun(units);
    if (slab != nullptr) held_.push_back(slab);
    return slab;
  }
  void Free(Slab* slab) {
    std::erase(held_, slab);
    std::vector<Slab*> runs{slab};
    arena_->FreeRuns(runs);
    EXPECT_TRUE(runs.empty());
  }
  static bool IsZero(const Slab* slab) {
    for (size_t i = 0; i < slab->units * kUnitSize; i += sizeof(uint64_t)) {
      uint64_t word;
      std::memcpy(&word, slab->objects + i, sizeof(word));
      if (word != 0) return false;
    }
    return true;
  }
  static void Dirty(Slab* slab) { std::memset(slab->objects, 0xab, slab->units * kUnitSize); }

  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = kRegions * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  std::vector<Slab*> held_;
};

TEST_F(ArenaTest, RefusesImpossibleSizes) {
  EXPECT_EQ(Arena::Create({.reserve_bytes = kRegionSize, .min_reserve_bytes = kUnitSize}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Arena::Create({.reserve_bytes = kRegionSize, .min_reserve_bytes = 2 * kRegionSize}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ArenaTest, ReservingTakesNoMemory) {
  EXPECT_EQ(arena_->reserved_bytes(), kRegions * kRegionSize);
  EXPECT_EQ(arena_->Residency().total(), 0u);
}

TEST_F(ArenaTest, RunsAreAlignedToTheirSize) {
  for (size_t units = 1; units <= kUnitsPerRegion; units *= 2) {
    Slab* slab = Take(units);
    ASSERT_NE(slab, nullptr) << units;
    EXPECT_EQ(slab->units, units);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(slab->objects) % (units * kUnitSize), 0u) << units;
    EXPECT_TRUE(IsZero(slab));
  }
  EXPECT_EQ(arena_->units_held(), 63u);
}

TEST_F(ArenaTest, FindsTheDescriptorOfEveryByteOfARun) {
  Take(2);
  for (const size_t units : {1u, 4u, 8u, 32u}) {
    Slab* slab = Take(units);
    for (size_t byte = 0; byte < units * kUnitSize; byte += kUnitSize / 4) {
      ASSERT_TRUE(arena_->Contains(slab->objects + byte));
      ASSERT_EQ(arena_->SlabOf(slab->objects + byte), slab);
    }
    ASSERT_EQ(arena_->SlabOf(slab->objects + units * kUnitSize - 1), slab);
  }
  const int outside = 0;
  EXPECT_FALSE(arena_->Contains(&outside));
  EXPECT_FALSE(arena_->Contains(nullptr));
}

TEST_F(ArenaTest, TakesFromTheFullestRegionThatHasRoom) {
  std::vector<std::vector<Slab*>> region(3);
  for (std::vector<Slab*>& slabs : region) {
    for (size_t i = 0; i < kUnitsPerRegion; ++i) slabs.push_back(Take(1));
  }
  ASSERT_EQ(arena_->regions_held(), 3u);
  // Region 0 keeps 8 units in use, region 1 has one hole, region 2 has two of them.
  for (size_t i = 0; i < 24; ++i) Free(region[0][i]);
  Free(region[1][7]);
  Free(region[2][3]);
  Free(region[2][4]);
  EXPECT_EQ(arena_->UnitsUsedInRegion(0), 8u);
  EXPECT_EQ(arena_->UnitsUsedInRegion(1), 31u);
  EXPECT_EQ(arena_->UnitsUsedInRegion(2), 30u);
  EXPECT_EQ(arena_->UnitsUsedInRegion(3), 0u) << "never committed";
  EXPECT_EQ(arena_->RegionOf(Take(1)), 1u);
  EXPECT_EQ(arena_->RegionOf(Take(2)), 0u) << "region 2 has two neighbours free that are not aligned";
  EXPECT_EQ(arena_->RegionOf(Take(1)), 2u);
  EXPECT_EQ(arena_->RegionOf(Take(1)), 2u);
  EXPECT_EQ(arena_->RegionOf(Take(1)), 0u);
}

TEST_F(ArenaTest, PagesLeaveAndComeBackAsZeroes) {
  std::vector<Slab*> runs;
  for (int i = 0; i < 8; ++i) runs.push_back(Take(4));
  for (Slab* slab : runs) Dirty(slab);
  EXPECT_EQ(arena_->Residency().object_bytes, kRegionSize);
  EXPECT_EQ(arena_->Residency().descriptor_bytes, 4096u);
  Free(runs[2]);
  EXPECT_EQ(arena_->Residency().object_bytes, kRegionSize - 4 * kUnitSize) << "its neighbours keep theirs";
  EXPECT_EQ(static_cast<unsigned char>(runs[3]->objects[0]), 0xab);
  EXPECT_EQ(static_cast<unsigned char>(runs[1]->objects[4 * kUnitSize - 1]), 0xab);
  Slab* again = Take(4);
  EXPECT_EQ(again, runs[2]);
  EXPECT_TRUE(IsZero(again));
}

TEST_F(ArenaTest, FreesManyRunsAtOnceInAnyOrder) {
  std::vector<Slab*> some;
  for (size_t i = 0; i < 48; ++i) {
    Slab* slab = Take(1);
    Dirty(slab);
    if (i % 3 != 0) some.push_back(slab);
  }
  std::mt19937 random(1);
  std::shuffle(some.begin(), some.end(), random);
  for (Slab* slab : some) std::erase(held_, slab);
  arena_->FreeRuns(some);
  EXPECT_TRUE(some.empty());
  EXPECT_EQ(arena_->units_held(), 16u);
  EXPECT_EQ(arena_->Residency().object_bytes, 16 * kUnitSize);
  for (const Slab* slab : held_) ASSERT_EQ(static_cast<unsigned char>(slab->objects[kUnitSize - 1]), 0xab);
}

TEST_F(ArenaTest, NullWhenTheReservationIsUsedUp) {
  for (size_t i = 0; i < kRegions; ++i) ASSERT_NE(Take(kUnitsPerRegion), nullptr);
  EXPECT_EQ(Take(1), nullptr);
  EXPECT_EQ(arena_->regions_held(), kRegions);
  Free(held_[1]);
  EXPECT_EQ(arena_->regions_held(), kRegions - 1);
  EXPECT_NE(Take(16), nullptr);
  EXPECT_EQ(Take(kUnitsPerRegion), nullptr) << "no whole region is left";
  EXPECT_NE(Take(16), nullptr);
}

TEST_F(ArenaTest, ADescriptorStartsAnew) {
  Slab* slab = Take(2);
  slab->state = SlabState::kMarked;
  slab->SetMarked(true);
  slab->live = 7;
  Free(slab);
  EXPECT_EQ(slab->state, SlabState::kUnused);
  ASSERT_EQ(Take(2), slab);
  EXPECT_FALSE(slab->marked());
  EXPECT_EQ(slab->live, 0);
  EXPECT_EQ(slab->owner, nullptr);
}

TEST_F(ArenaTest, CarvesRunsAnewAndLeavesTheirContents) {
  Slab* block = Take(8);
  Dirty(block);
  block->live = 7;
  char* const start = block->objects;
  ASSERT_EQ(arena_->Carve(block, 8, 2), block);
  for (size_t i = 0; i < 8; ++i) {
    const Slab* slab = arena_->SlabOf(start + i * kUnitSize);
    EXPECT_EQ(slab->objects, start + i / 2 * 2 * kUnitSize);
    EXPECT_EQ(slab->units, 2);
    EXPECT_EQ(slab->live, 0) << "a fresh descriptor";
  }
  EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
  // A part of it goes back and is taken by somebody else, the rest is one run again.
  Slab* second = arena_->SlabOf(start + 2 * kUnitSize);
  Slab* upper = arena_->Carve(arena_->SlabOf(start + 4 * kUnitSize), 4, 4);
  held_.push_back(second);
  held_.push_back(upper);
  Free(second);
  EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
  EXPECT_EQ(arena_->SlabOf(start + 7 * kUnitSize), upper);
  EXPECT_EQ(upper->units, 4);
  EXPECT_EQ(static_cast<unsigned char>(upper->objects[0]), 0xab);
  EXPECT_EQ(arena_->units_held(), 6u);
}

TEST_F(ArenaTest, RunsNeverOverlap) {
  std::mt19937 random(7);
  std::map<char*, Slab*> held;
  for (int step = 0; step < 5000; ++step) {
    if (held.empty() || random() % 2 == 0) {
      Slab* slab = Take(size_t{1} << random() % 6);
      if (slab == nullptr) continue;
      const auto next = held.lower_bound(slab->objects);
      if (next != held.end()) {
        ASSERT_LE(slab->objects + slab->units * kUnitSize, next->first);
      }
      if (next != held.begin()) {
        const Slab& before = *std::prev(next)->second;
        ASSERT_LE(before.objects + before.units * kUnitSize, slab->objects);
      }
      uint64_t word;
      std::memcpy(&word, slab->objects, sizeof(word));
      ASSERT_EQ(word, 0u);
      slab->objects[0] = 1;
      held[slab->objects] = slab;
    } else {
      auto victim = std::next(held.begin(), static_cast<std::ptrdiff_t>(random() % held.size()));
      Free(victim->second);
      held.erase(victim);
    }
    if (step % 100 == 0) {
      ASSERT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
    }
  }
}

class ArenaDeathTest : public ArenaTest {
 protected:
  ArenaDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(ArenaDeathTest, ARunIsFreedOnce) {
  EXPECT_DEATH(
      {
        Slab* slab = arena_->AllocateRun(2);
        std::vector<Slab*> runs{slab};
        arena_->FreeRuns(runs);
        runs = {slab};
        arena_->FreeRuns(runs);
      },
      "taken back twice");
  EXPECT_DEATH(
      {
        std::vector<Slab*> runs(2, arena_->AllocateRun(1));
        arena_->FreeRuns(runs);
      },
      "taken back twice");
}

TEST_F(ArenaDeathTest, ARunIsAPowerOfTwoOfUnits) {
  EXPECT_DEATH(arena_->AllocateRun(3), "a run is a power of two");
  EXPECT_DEATH(arena_->AllocateRun(0), "a run is a power of two");
  EXPECT_DEATH(arena_->AllocateRun(64), "a run is a power of two");
}

TEST_F(ArenaDeathTest, CarvesOnlyWholeRunsThatAreInUse) {
  Slab* block = Take(8);
  EXPECT_DEATH(arena_->Carve(block, 8, 3), "no aligned powers of two");
  EXPECT_DEATH(arena_->Carve(block, 6, 4), "no aligned powers of two");
  EXPECT_DEATH(arena_->Carve(block, 0, 1), "no aligned powers of two");
  EXPECT_DEATH(arena_->Carve(block + 1, 2, 2), "no aligned powers of two");
  EXPECT_DEATH(arena_->Carve(block, 4, 4), "carving part of a run");
  EXPECT_DEATH(arena_->Carve(block + 4, 4, 4), "carving part of a run");
  EXPECT_DEATH(arena_->Carve(block, 16, 4), "not in use");
  EXPECT_DEATH(
      {
        block->maps = new uint64_t[2];
        arena_->Carve(block, 8, 1);
      },
      "a cache still uses");
}

TEST_F(ArenaDeathTest, IsNotDestroyedWithRunsOut) {
  EXPECT_DEATH(
      {
        auto arena = Arena::Create({.reserve_bytes = kRegionSize, .min_reserve_bytes = kRegionSize}).value();
        arena->AllocateRun(1);
        arena.reset();
      },
      "arena destroyed while a cache holds slabs");
}

}  // namespace
}  // namespace mxa::slab
