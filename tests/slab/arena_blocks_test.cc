// SPDX-License-Identifier: Apache-2.0
//
// Runs are grouped by mobility; blocks are taken free or isolated first; nobody gets a unit of an isolated one.
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/block_isolation.h"
#include "tests/support/random.h"

namespace mxa::slab {
namespace {

constexpr size_t kRegions = 8;

class ArenaBlocksTest : public testing::Test {
 protected:
  ~ArenaBlocksTest() override {
    EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
    arena_->FreeRuns(held_);
    EXPECT_EQ(arena_->units_held(), 0u);
    EXPECT_EQ(arena_->isolations(), 0u);
    EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
  }

  Slab* Take(size_t units, Mobility mobility) {
    Slab* slab = arena_->AllocateRun(units, kAnyNode, mobility);
    if (slab != nullptr) held_.push_back(slab);
    return slab;
  }
  Slab* Movable(size_t units = 1) { return Take(units, Mobility::kMovable); }
  Slab* Unmovable(size_t units = 1) { return Take(units, Mobility::kUnmovable); }
  void Free(Slab* slab) {
    std::erase(held_, slab);
    std::vector<Slab*> runs{slab};
    arena_->FreeRuns(runs);
  }
  size_t Unit(const Slab* slab) const { return arena_->UnitOf(slab->objects).first; }
  void* Start(UnitBlock block) const { return arena_->AddressOf(block); }

  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = kRegions * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  std::vector<Slab*> held_;
};

TEST_F(ArenaBlocksTest, MovableAndUnmovableRunsDoNotShareRegions) {
  std::set<size_t> movable;
  std::set<size_t> unmovable;
  for (int i = 0; i < 40; ++i) {
    movable.insert(arena_->RegionOf(Movable()));
    unmovable.insert(arena_->RegionOf(Unmovable()));
  }
  EXPECT_EQ(movable.size(), 2u);
  EXPECT_EQ(unmovable.size(), 2u);
  for (const size_t region : movable) EXPECT_FALSE(unmovable.contains(region)) << region;
}

TEST_F(ArenaBlocksTest, OneClassTakesFromTheOtherOnlyWhenNoRegionIsFree) {
  Movable();
  for (size_t i = 1; i < kRegions; ++i) EXPECT_EQ(arena_->RegionOf(Unmovable(32)), i);
  EXPECT_EQ(arena_->RegionOf(Unmovable()), 0u);
  EXPECT_EQ(arena_->RegionOf(Movable()), 0u);
}

TEST_F(ArenaBlocksTest, ARegionWithoutUnmovableRunsIsMovableAgain) {
  Movable();
  Movable(32);
  for (size_t i = 2; i < kRegions; ++i) Unmovable(32);
  Slab* stolen = Unmovable();
  ASSERT_EQ(arena_->RegionOf(stolen), 0u);
  EXPECT_NE(arena_->Use()[0].pinned, 0u);
  Free(stolen);
  EXPECT_EQ(arena_->Use()[0].pinned, 0u);
  EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
}

TEST_F(ArenaBlocksTest, NewRegionsAreTheLowestFreeOnes) {
  std::vector<Slab*> regions;
  for (size_t i = 0; i < kRegions; ++i) regions.push_back(Movable(32));
  for (const size_t i : {6u, 1u, 3u}) Free(regions[i]);
  EXPECT_EQ(arena_->RegionOf(Movable()), 1u);
  EXPECT_EQ(arena_->RegionOf(Unmovable()), 3u);
}

TEST_F(ArenaBlocksTest, BlocksOfAllSizesAreAlignedZeroedAndComeBack) {
  for (size_t units = 1; units <= kRegions * kUnitsPerRegion; units *= 2) {
    const std::optional<UnitBlock> block = arena_->TakeBlock(units);
    ASSERT_TRUE(block.has_value()) << units;
    char* start = static_cast<char*>(Start(*block));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(start) % block->bytes(), 0u) << units;
    for (size_t byte = 0; byte < block->bytes(); byte += 4096) {
      ASSERT_EQ(start[byte], 0);
      start[byte] = 1;
    }
    EXPECT_EQ(arena_->units_held(), units);
    EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
    EXPECT_FALSE(arena_->FreeBlock(start + kUnitSize)) << "no block begins there";
    EXPECT_TRUE(arena_->FreeBlock(start));
    EXPECT_FALSE(arena_->FreeBlock(start)) << "once";
  }
  EXPECT_EQ(arena_->Residency().object_bytes, 0u);
}

TEST_F(ArenaBlocksTest, ABlockOfSeveralRegionsNeedsNeighboursThatAreFree) {
  std::vector<Slab*> regions;
  for (size_t i = 0; i < kRegions; ++i) regions.push_back(Movable(32));
  Free(regions[1]);
  Free(regions[2]);
  Free(regions[6]);
  EXPECT_FALSE(arena_->TakeBlock(64).has_value()) << "1 and 2 are neighbours, and not aligned";
  Free(regions[7]);
  const std::optional<UnitBlock> block = arena_->TakeBlock(64);
  ASSERT_TRUE(block.has_value());
  EXPECT_EQ(block->first, 6 * kUnitsPerRegion);
  EXPECT_EQ(arena_->RegionOf(Movable(32)), 1u);
  EXPECT_TRUE(arena_->FreeBlock(Start(*block)));
}

TEST_F(ArenaBlocksTest, NoUnitOfAnIsolatedBlockIsHandedOut) {
  const UnitBlock block{8, 8};
  Slab* inside = nullptr;
  for (size_t i = 0; i < 16; ++i) {
    Slab* slab = Movable();
    if (Unit(slab) == 9) inside = slab;
  }
  {
    BlockIsolation isolation(*arena_, block);
    ASSERT_TRUE(isolation.holds());
    Free(inside);
    for (Slab* slab = Movable(); slab != nullptr; slab = Movable()) {
      ASSERT_FALSE(Unit(slab) >= 8 && Unit(slab) < 16) << Unit(slab);
    }
    EXPECT_EQ(Unmovable(), nullptr);
    EXPECT_FALSE(arena_->TakeBlock(1).has_value());
    EXPECT_FALSE(isolation.Take()) << "the others are in use";
    EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
  }
  Slab* again = Movable();
  ASSERT_NE(again, nullptr) << "let go, it is anybody's";
  EXPECT_EQ(Unit(again), 9u);
}

TEST_F(ArenaBlocksTest, AnIsolatedBlockIsTakenWhenItIsFree) {
  const UnitBlock block{0, 64};
  Slab* first = Movable(32);
  Slab* second = Movable(4);
  BlockIsolation isolation(*arena_, block);
  ASSERT_TRUE(isolation.holds());
  EXPECT_EQ(arena_->RegionOf(Movable()), 2u);
  Free(first);
  EXPECT_FALSE(isolation.Take());
  EXPECT_FALSE(arena_->IsFree(block));
  Free(second);
  EXPECT_TRUE(arena_->IsFree(block));
  EXPECT_TRUE(isolation.Take());
  EXPECT_FALSE(isolation.holds());
  EXPECT_EQ(arena_->units_held(), 65u);
  EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
  EXPECT_TRUE(arena_->FreeBlock(Start(block)));
}

TEST_F(ArenaBlocksTest, BlocksWithPinnedUnitsAndOverlappingOnesAreNotIsolated) {
  Unmovable();
  Movable();
  EXPECT_FALSE(BlockIsolation(*arena_, {0, 32}).holds()) << "pinned";
  BlockIsolation isolation(*arena_, {32, 2});
  ASSERT_TRUE(isolation.holds());
  EXPECT_FALSE(BlockIsolation(*arena_, {33, 1}).holds()) << "overlaps";
  EXPECT_FALSE(BlockIsolation(*arena_, {0, 64}).holds()) << "overlaps";
  EXPECT_TRUE(BlockIsolation(*arena_, {34, 2}).holds()) << "a neighbour";
  EXPECT_FALSE(BlockIsolation(*arena_, {kRegions * kUnitsPerRegion, 1}).holds()) << "outside";
  EXPECT_EQ(arena_->isolations(), 1u);
}

// What a page pool does with a run that a movable cache gives back.
TEST_F(ArenaBlocksTest, ARunIsPinnedUnlessItsBlockIsIsolated) {
  Slab* slab = Movable(4);
  {
    BlockIsolation isolation(*arena_, {0, 32});
    EXPECT_FALSE(arena_->Pin(slab));
  }
  EXPECT_TRUE(arena_->Pin(slab));
  EXPECT_FALSE(BlockIsolation(*arena_, {0, 32}).holds());
  Free(slab);
  EXPECT_TRUE(BlockIsolation(*arena_, {0, 32}).holds());
}

TEST_F(ArenaBlocksTest, PagesOfAUnitAreTakenGivenBackAndGoWithTheLast) {
  EXPECT_EQ(arena_->TakePages(1), nullptr);
  arena_->AddPages(*arena_->TakeBlock(1));
  std::vector<char*> pages;
  for (const size_t count : {1u, 8u, 2u, 4u, 1u}) {
    auto* page = static_cast<char*>(arena_->TakePages(count));
    ASSERT_NE(page, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(page) % (count * kPageSize), 0u);
    for (size_t byte = 0; byte < count * kPageSize; ++byte) ASSERT_EQ(page[byte], 0);
    std::memset(page, 1, count * kPageSize);
    pages.push_back(page);
  }
  EXPECT_EQ(arena_->TakePages(1), nullptr) << "all 16 are out";
  EXPECT_FALSE(arena_->FreePages(pages[1] + kPageSize)) << "the middle of a block";
  EXPECT_FALSE(arena_->FreePages(pages[1] + 1));
  EXPECT_FALSE(arena_->FreeBlock(pages[1])) << "not a block of units";
  EXPECT_TRUE(arena_->FreePages(pages[1]));
  EXPECT_FALSE(arena_->FreePages(pages[1])) << "once";
  auto* again = static_cast<char*>(arena_->TakePages(8));
  ASSERT_EQ(again, pages[1]);
  for (size_t byte = 0; byte < 8 * kPageSize; ++byte) ASSERT_EQ(again[byte], 0);
  for (char* page : pages) EXPECT_TRUE(arena_->FreePages(page));
  EXPECT_EQ(arena_->units_held(), 0u);
}

TEST_F(ArenaBlocksTest, AnythingInAnyOrderKeepsTheInvariants) {
  tests::Random random(tests::TestSeed(11));
  std::vector<UnitBlock> blocks;
  std::vector<std::unique_ptr<BlockIsolation>> isolations;
  for (int step = 0; step < 4000; ++step) {
    switch (random.Below(7)) {
      case 0:
        Take(size_t{1} << random.Below(6), Mobility::kUnmovable);
        break;
      case 1:
      case 2:
        Take(size_t{1} << random.Below(4), Mobility::kMovable);
        break;
      case 3:
        if (!held_.empty()) Free(held_[random.Below(held_.size())]);
        break;
      case 4:
        if (auto block = arena_->TakeBlock(size_t{1} << random.Below(8))) blocks.push_back(*block);
        break;
      case 5:
        if (blocks.empty()) break;
        std::swap(blocks[random.Below(blocks.size())], blocks.back());
        ASSERT_TRUE(arena_->FreeBlock(Start(blocks.back())));
        blocks.pop_back();
        break;
      case 6: {
        const size_t units = size_t{1} << random.Below(8);
        const size_t places = kRegions * kUnitsPerRegion / units;
        const UnitBlock block{random.Below(places) * units, units};
        auto isolation = std::make_unique<BlockIsolation>(*arena_, block);
        if (isolation->holds()) {
          if (isolation->Take()) blocks.push_back(block);
          isolations.push_back(std::move(isolation));
        }
        if (isolations.size() > 3) isolations.erase(isolations.begin());
        break;
      }
    }
    ASSERT_TRUE(arena_->CheckInvariants().ok()) << step << arena_->CheckInvariants();
  }
  isolations.clear();
  for (const UnitBlock& block : blocks) ASSERT_TRUE(arena_->FreeBlock(Start(block)));
}

}  // namespace
}  // namespace mxa::slab
