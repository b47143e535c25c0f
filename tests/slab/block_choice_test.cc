// SPDX-License-Identifier: Apache-2.0
//
// Which block is evacuated: the cheapest, with nothing in it that cannot go, for which there is room elsewhere.
#include "slab/block_choice.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/random.h"

namespace mxa::slab {
namespace {

constexpr size_t kCapacity = 64;
constexpr size_t kStride = 1024;

class BlockChoiceTest : public testing::Test {
 protected:
  // Regions that are committed and free, and one cache.
  void Commit(size_t regions, size_t reserved) {
    survey_.regions.assign(regions, {.free = ~uint32_t{0}});
    survey_.units_reserved = reserved * kUnitsPerRegion;
    survey_.caches = {{"one", kCapacity, 1, 0}};
  }
  void Use(size_t unit, size_t live, size_t units = 1) {
    survey_.regions[unit / 32].free &= ~UnitMask(unit % 32, units);
    survey_.slabs.push_back({unit, units, live, live * kStride, 0});
    survey_.caches[0].free += kCapacity * units - live;
    std::sort(survey_.slabs.begin(), survey_.slabs.end(),
              [](const auto& a, const auto& b) { return a.first_unit < b.first_unit; });
  }
  void Pin(size_t unit) {
    survey_.regions[unit / 32].free &= ~UnitMask(unit % 32, 1);
    survey_.regions[unit / 32].pinned |= UnitMask(unit % 32, 1);
  }
  BlockChoice Choose(size_t units) { return ChooseBlocks(survey_, units, 0); }

  ArenaSurvey survey_;
};

TEST_F(BlockChoiceTest, TheFewestLiveBytesComeFirstAndTheHighestOfThose) {
  Commit(4, 4);
  Use(0, 9);
  Use(32, 3);
  Use(33, 3);
  Use(64, 5);
  Use(96, 5);
  const BlockChoice choice = Choose(32);
  ASSERT_EQ(choice.candidates.size(), 4u);
  EXPECT_EQ(choice.candidates[0].first, 96u);
  EXPECT_EQ(choice.candidates[1].first, 64u);
  EXPECT_EQ(choice.candidates[2].first, 32u) << "fewer live bytes than 9, in more slabs";
  EXPECT_EQ(choice.candidates[3].first, 0u);
}

TEST_F(BlockChoiceTest, PinnedAndIsolatedBlocksAreNoCandidates) {
  Commit(3, 3);
  Pin(5);
  Use(40, 1);
  survey_.regions[1].isolated = UnitMask(8, 1);
  Use(70, 60);
  const BlockChoice choice = Choose(32);
  ASSERT_EQ(choice.candidates.size(), 1u);
  EXPECT_EQ(choice.candidates[0].first, 64u);
  EXPECT_TRUE(choice.others_isolate);
  EXPECT_FALSE(Choose(64).others_isolate) << "the only block of four MiB is pinned";
}

TEST_F(BlockChoiceTest, NamesTheNearestPinnedUnitWhenAllBlocksHaveOne) {
  Commit(2, 2);
  Pin(1);
  Pin(2);
  Pin(60);
  const BlockChoice choice = Choose(32);
  EXPECT_TRUE(choice.candidates.empty());
  EXPECT_EQ(choice.nearest_pinned, 60u) << "the only one of its block";
}

TEST_F(BlockChoiceTest, RegionsNeverUsedAreFree) {
  Commit(1, 4);
  Use(0, 60);
  EXPECT_EQ(Choose(64).candidates.front().first, 64u);
  EXPECT_TRUE(Choose(128).candidates.empty()) << "what lives there has nowhere to go";
  EXPECT_EQ(Choose(128).missing_bytes, kUnitSize);
}

TEST_F(BlockChoiceTest, SaysHowMuchIsMissing) {
  Commit(2, 2);
  for (size_t unit = 0; unit < 64; ++unit) Use(unit, kCapacity);
  EXPECT_EQ(Choose(32).missing_bytes, 32 * kUnitSize);
  EXPECT_TRUE(Choose(32).candidates.empty());
  EXPECT_FALSE(Choose(32).nearest_pinned.has_value());
  EXPECT_EQ(Choose(1).missing_bytes, kUnitSize);
  survey_.slabs[63].live = 10;
  survey_.slabs[62].live = kCapacity - 10;
  survey_.caches[0].free = kCapacity;
  const std::vector<UnitBlock> candidates = Choose(1).candidates;
  ASSERT_EQ(candidates.size(), 64u) << "64 places are free";
  EXPECT_EQ(candidates[0].first, 63u);
  EXPECT_EQ(candidates[1].first, 62u);
  EXPECT_EQ(candidates[2].first, 61u);
}

TEST_F(BlockChoiceTest, PlacesInTheBlockItselfAreNoRoom) {
  Commit(1, 1);
  for (size_t unit = 0; unit < 32; ++unit) Use(unit, unit < 16 ? kCapacity : 1);
  EXPECT_EQ(Choose(16).candidates.size(), 0u) << "16 objects, and only full slabs elsewhere; or 1024 into 1008";
  EXPECT_EQ(Choose(16).missing_bytes, kUnitSize);
  EXPECT_EQ(Choose(8).candidates.front().first, 24u);
}

TEST_F(BlockChoiceTest, PartOfALargeSlabCostsTheWholeSlab) {
  Commit(1, 2);
  Use(0, 10, 8);
  Use(8, 4);
  const BlockChoice choice = Choose(1);
  size_t place = 0;
  while (choice.candidates[place].first != 8) ++place;
  for (size_t i = 0; i < choice.candidates.size(); ++i) {
    if (choice.candidates[i].first < 8) {
      EXPECT_GT(i, place) << choice.candidates[i].first;
    }
  }
}

// Bc1 and Bc3 on random maps, counted unit by unit.
TEST_F(BlockChoiceTest, CandidatesAreSoundOnRandomMaps) {
  tests::Random random(tests::TestSeed(5));
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    survey_ = {};
    Commit(6, 8);
    for (size_t unit = 0; unit < 6 * 32; ++unit) {
      const uint64_t what = random.Below(12);
      if (what < 6) Use(unit, random.Below(10));
      if (what == 6 && random.OneIn(6)) Pin(unit);
      if (what == 7 && random.OneIn(6)) survey_.regions[unit / 32].isolated |= UnitMask(unit % 32, 1);
    }
    const size_t units = size_t{1} << random.Below(8);
    size_t last = 0;
    for (const UnitBlock& block : Choose(units).candidates) {
      ASSERT_EQ(block.first % units, 0u);
      size_t live = 0;
      for (size_t unit = block.first; unit < block.end() && unit < 6 * 32; ++unit) {
        const Arena::RegionUse& use = survey_.regions[unit / 32];
        ASSERT_EQ((use.pinned | use.isolated) >> unit % 32 & 1, 0u) << unit;
        const ArenaSurvey::SlabUse* slab = survey_.SlabAt(unit);
        live += slab == nullptr ? 0 : slab->live;
      }
      ASSERT_GE(live, last);
      last = live;
    }
  }
}

}  // namespace
}  // namespace mxa::slab
