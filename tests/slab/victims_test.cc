// SPDX-License-Identifier: Apache-2.0
//
// Which slabs a pass chooses. Properties, over random heaps:
//   V1  what is to be moved fits into the free objects of the slabs that stay.
//   V2  as many slabs come free as the live objects allow; no choice could free more.
//   V3  nothing is chosen twice, and no empty slab when packing; a full one only with all of its region.
//   V4  slabs of a sparse region come before those of a denser one, within a region the emptiest first.
//   V5  after the moves, a second call chooses nothing.
//   V6  a region with full slabs goes as a whole where it can: nothing else is in it, at most half of it is live, and the others
//       have room for it.
#include "slab/victims.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"

namespace mxa::slab {
namespace {

using Mode = CompactOptions::Mode;

constexpr size_t kCapacity = 113;

class VictimsTest : public testing::Test {
 protected:
  // Some 60 slabs in some 8 regions, of random occupancy; `sparse` keeps most of them nearly empty.
  void Scatter(uint32_t seed, bool sparse) {
    std::mt19937 random(seed);
    listed_.clear();
    slabs_ = std::vector<Slab>(10 + random() % 100);
    for (Slab& slab : slabs_) {
      const size_t live = sparse ? 1 + random() % 10 : 1 + random() % kCapacity;
      listed_.push_back({&slab, live, random() % 8});
    }
    std::shuffle(listed_.begin(), listed_.end(), random);
  }
  const SlabStore::Choice& ChoiceOf(const Slab* slab) const {
    return *std::find_if(listed_.begin(), listed_.end(), [&](const auto& choice) { return choice.slab == slab; });
  }
  size_t TotalLive() const {
    size_t live = 0;
    for (const auto& choice : listed_) live += choice.live;
    return live;
  }

  std::vector<Slab> slabs_;
  std::vector<SlabStore::Choice> listed_;
};

TEST_F(VictimsTest, PackingFreesAsMuchAsTheOthersCanTakeIn) {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    Scatter(seed, seed % 2 == 0);
    const std::vector<Slab*> victims = ChooseVictims(listed_, kCapacity, {.mode = Mode::kPack});
    const std::set<Slab*> chosen(victims.begin(), victims.end());
    ASSERT_EQ(chosen.size(), victims.size()) << "V3";
    size_t to_move = 0;
    size_t room = 0;
    size_t partial = 0;
    for (const auto& choice : listed_) {
      partial += choice.live < kCapacity ? 1 : 0;
      if (chosen.contains(choice.slab)) {
        ASSERT_LT(choice.live, kCapacity) << "V3";
        to_move += choice.live;
      } else {
        room += kCapacity - choice.live;
      }
    }
    ASSERT_LE(to_move, room) << "V1";
    const size_t needed = (TotalLive() + kCapacity - 1) / kCapacity;
    ASSERT_EQ(victims.size(), std::min(listed_.size() - needed, partial)) << "V2";
  }
}

TEST_F(VictimsTest, SparseRegionsComeFirst) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Scatter(seed, seed % 2 == 0);
    std::map<size_t, size_t> live_in_region;
    for (const auto& choice : listed_) live_in_region[choice.region] += choice.live;
    std::tuple<size_t, size_t, size_t> before{0, 0, 0};
    for (const Slab* slab : ChooseVictims(listed_, kCapacity, {.mode = Mode::kPack})) {
      const auto& choice = ChoiceOf(slab);
      const std::tuple<size_t, size_t, size_t> rank{live_in_region[choice.region], choice.region, choice.live};
      ASSERT_LE(before, rank) << "V4";
      before = rank;
    }
  }
}

TEST_F(VictimsTest, NothingIsLeftToChooseAfterPacking) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Scatter(seed, seed % 2 == 0);
    size_t moving = 0;
    for (const Slab* slab : ChooseVictims(listed_, kCapacity, {.mode = Mode::kPack})) {
      moving += ChoiceOf(slab).live;
      std::erase_if(listed_, [&](const auto& choice) { return choice.slab == slab; });
    }
    std::sort(listed_.begin(), listed_.end(), [](const auto& a, const auto& b) { return a.live > b.live; });
    for (auto& choice : listed_) {
      const size_t taken = std::min(moving, kCapacity - choice.live);
      choice.live += taken;
      moving -= taken;
    }
    ASSERT_EQ(moving, 0u) << "V1";
    ASSERT_TRUE(ChooseVictims(listed_, kCapacity, {.mode = Mode::kPack}).empty()) << "V5";
  }
}

// Slabs alone in their regions, a third of them full.
TEST_F(VictimsTest, NoFewerComeFreeWhenWholeRegionsDo) {
  size_t with_full_ones = 0;
  for (uint32_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    Scatter(seed, true);
    for (size_t i = 0; i < listed_.size(); ++i) {
      if (i % 3 == 0) listed_[i].live = kCapacity;
    }
    // Of some regions only: something else is in the others.
    for (auto& choice : listed_) choice.region_slabs = choice.region % 3 == 0 ? 0 : 32;
    const std::vector<Slab*> victims = ChooseVictims(listed_, kCapacity, {});
    std::map<size_t, size_t> live_in_region;
    for (const auto& choice : listed_) live_in_region[choice.region] += choice.live;
    ASSERT_TRUE(std::is_sorted(victims.begin(), victims.end(), [&](const Slab* a, const Slab* b) {
      return live_in_region[ChoiceOf(a).region] < live_in_region[ChoiceOf(b).region];
    })) << "V4";
    const std::set<Slab*> chosen(victims.begin(), victims.end());
    ASSERT_EQ(chosen.size(), victims.size()) << "V3";
    std::map<size_t, size_t> stay;  // by region
    size_t to_move = 0;
    size_t room = 0;
    size_t partial = 0;
    for (const auto& choice : listed_) {
      const bool goes = chosen.contains(choice.slab);
      partial += choice.live < kCapacity ? 1 : 0;
      stay[choice.region] += goes ? 0 : 1;
      to_move += goes ? choice.live : 0;
      room += goes ? 0 : kCapacity - choice.live;
    }
    for (const Slab* slab : victims) {
      if (ChoiceOf(slab).live < kCapacity) continue;
      ASSERT_EQ(stay[ChoiceOf(slab).region], 0u) << "V3";
      ASSERT_NE(ChoiceOf(slab).region % 3, 0u) << "V6";
      ++with_full_ones;
    }
    ASSERT_LE(to_move, room) << "V1";
    const size_t needed = (TotalLive() + kCapacity - 1) / kCapacity;
    ASSERT_GE(victims.size(), std::min(listed_.size() - needed, partial)) << "V2";
    ASSERT_LE(victims.size(), listed_.size() - needed);
  }
  EXPECT_GT(with_full_ones, 100u);
}

// Region 0: full slabs and some of five objects, `slabs` in all. Region 1: ten slabs of `live` objects. There is room for ten in
// each.
class WholeRegionTest : public VictimsTest {
 protected:
  bool TheFullOneGoes(bool alone, size_t live, size_t full = 1, const CompactOptions& options = {}, size_t slabs = 10) {
    slabs_ = std::vector<Slab>(20);
    listed_.clear();
    for (size_t i = 0; i < slabs; ++i)
      listed_.push_back({&slabs_[i], i < full ? kCapacity : 5, 0, 0, alone ? size_t{10} : 0});
    for (size_t i = 10; i < 20; ++i) listed_.push_back({&slabs_[i], live, 1, 0, alone ? size_t{10} : 0});
    const std::vector<Slab*> victims = ChooseVictims(listed_, kCapacity, options);
    return std::count(victims.begin(), victims.end(), &slabs_[0]) == 1;
  }
};

TEST_F(WholeRegionTest, GoesWithItsFullSlab) { EXPECT_TRUE(TheFullOneGoes(true, 90)); }
TEST_F(WholeRegionTest, StaysWhenSomethingElseIsInIt) { EXPECT_FALSE(TheFullOneGoes(false, 90)); }
TEST_F(WholeRegionTest, StaysWhenTheOthersHaveNoRoomForIt) { EXPECT_FALSE(TheFullOneGoes(true, 110)); }
// What a pass leaves that ended in the middle of the region.
TEST_F(WholeRegionTest, GoesWhenOnlyItsFullSlabIsLeft) { EXPECT_TRUE(TheFullOneGoes(true, 90, 1, {}, 1)); }
TEST_F(WholeRegionTest, StaysWhenMoreThanHalfOfItIsLive) {
  EXPECT_TRUE(TheFullOneGoes(true, 60, 4));
  EXPECT_FALSE(TheFullOneGoes(true, 60, 5));
}
TEST_F(WholeRegionTest, StaysWhereOnlyTheEmptiestAreToGo) {
  EXPECT_FALSE(TheFullOneGoes(true, 90, 1, {.max_occupancy = 0.9}));
  EXPECT_FALSE(TheFullOneGoes(true, 90, 1, {.target_ratio = 1.01}));
}

TEST_F(VictimsTest, MovingEverythingTakesEverySlabThatHoldsAnObject) {
  Scatter(1, false);
  listed_[0].live = 0;
  listed_[1].live = kCapacity;
  const std::vector<Slab*> victims = ChooseVictims(listed_, kCapacity, {.mode = Mode::kMoveEverything});
  EXPECT_EQ(victims.size(), listed_.size() - 1);
  EXPECT_EQ(std::count(victims.begin(), victims.end(), listed_[0].slab), 0);
  EXPECT_EQ(std::count(victims.begin(), victims.end(), listed_[1].slab), 1);
}

TEST_F(VictimsTest, EmptyAndFullSlabsStay) {
  slabs_ = std::vector<Slab>(3);
  listed_ = {{&slabs_[0], kCapacity, 0}, {&slabs_[1], 0, 0}, {&slabs_[2], kCapacity, 1}};
  EXPECT_TRUE(ChooseVictims(listed_, kCapacity, {.mode = Mode::kPack}).empty());
  EXPECT_TRUE(ChooseVictims({}, kCapacity, {.mode = Mode::kPack}).empty());
}

TEST_F(VictimsTest, OneSlabAloneHasNowhereToGo) {
  slabs_ = std::vector<Slab>(1);
  listed_ = {{&slabs_[0], 1, 0}};
  EXPECT_TRUE(ChooseVictims(listed_, kCapacity, {.mode = Mode::kPack}).empty());
}

TEST_F(VictimsTest, SlabsFullerThanTheLimitStay) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    Scatter(seed, false);
    for (const Slab* slab : ChooseVictims(listed_, kCapacity, {.max_occupancy = 0.25})) {
      ASSERT_LE(ChoiceOf(slab).live * 4, kCapacity);
    }
  }
}

TEST_F(VictimsTest, StopsAtItsTargetAndTakesTheEmptiestEighthsFirst) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    Scatter(seed, true);
    const size_t needed = (TotalLive() + kCapacity - 1) / kCapacity;
    const std::vector<Slab*> victims = ChooseVictims(listed_, kCapacity, {.target_ratio = 2});
    EXPECT_EQ(listed_.size() - victims.size(), std::min(listed_.size(), 2 * needed));
    EXPECT_TRUE(std::is_sorted(victims.begin(), victims.end(), [&](const Slab* a, const Slab* b) {
      return ChoiceOf(a).live * 8 / kCapacity < ChoiceOf(b).live * 8 / kCapacity;
    }));
  }
}

TEST(LimitsTest, WhatMakesNoSenseIsNamed) {
  EXPECT_EQ(CheckLimits({}), absl::OkStatus());
  EXPECT_EQ(CheckLimits({.duty_percent = 0}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CheckLimits({.duty_percent = 101}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CheckLimits({.max_occupancy = 0}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CheckLimits({.max_occupancy = 1.5}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CheckLimits({.target_ratio = 0.5}).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mxa::slab
