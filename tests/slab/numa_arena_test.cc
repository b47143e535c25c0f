// SPDX-License-Identifier: Apache-2.0
//
// Regions of an arena over several nodes: each is bound to the node its runs were asked for, and can change it only when
// it is wholly free.
#include <algorithm>
#include <iterator>
#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "slab/arena.h"
#include "tests/support/fake_topology.h"

namespace mxa::slab {
namespace {

using test::FakeTopology;

constexpr size_t kRegions = 4;

class NumaArenaTest : public testing::Test {
 protected:
  NumaArenaTest() { FakeTopology::RunOn(0); }
  ~NumaArenaTest() override {
    FakeTopology::RunOn(0);
    ExpectSound();
    arena_->FreeRuns(held_);
    EXPECT_EQ(arena_->regions_held(), 0u);
    ExpectSound();
  }
  void ExpectSound() { EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants(); }

  // A run, whose first and last byte are on the node that the arena tells. -1: there was none.
  int TakeOn(size_t units, int node) {
    Slab* slab = arena_->AllocateRun(units, node);
    if (slab == nullptr) return -1;
    held_.push_back(slab);
    EXPECT_EQ(topology_.NodeOf(slab->objects), arena_->NodeOf(slab));
    EXPECT_EQ(topology_.NodeOf(slab->objects + units * kUnitSize - 1), arena_->NodeOf(slab));
    return arena_->NodeOf(slab);
  }
  void FreeAllOf(int node) {
    std::vector<Slab*> runs;
    std::copy_if(held_.begin(), held_.end(), std::back_inserter(runs),
                 [&](const Slab* slab) { return arena_->NodeOf(slab) == node; });
    std::erase_if(held_, [&](const Slab* slab) { return arena_->NodeOf(slab) == node; });
    arena_->FreeRuns(runs);
  }

  FakeTopology topology_{3};
  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = kRegions * kRegionSize, .min_reserve_bytes = kRegionSize, .topology = &topology_})
          .value();
  std::vector<Slab*> held_;
};

TEST_F(NumaArenaTest, ARunIsOnTheNodeItWasAskedFor) {
  for (int round = 0; round < 4; ++round) {
    for (int node = 0; node < 3; ++node) EXPECT_EQ(TakeOn(1, node), node);
  }
  EXPECT_EQ(arena_->regions_held(), 3u) << "a region a node holds them all";
  EXPECT_EQ(topology_.binds(), 3u) << "once a region";
}

TEST_F(NumaArenaTest, AnyNodeIsTheCurrentOne) {
  for (const int node : {2, 0, 1}) {
    FakeTopology::RunOn(node);
    EXPECT_EQ(TakeOn(4, kAnyNode), node);
  }
}

TEST_F(NumaArenaTest, FillsTheFullestRegionOfTheNode) {
  for (int i = 0; i < 33; ++i) ASSERT_EQ(TakeOn(1, 1), 1);
  ASSERT_EQ(TakeOn(1, 2), 2);
  Slab* hole = held_[5];
  held_.erase(held_.begin() + 5);
  std::vector<Slab*> runs{hole};
  arena_->FreeRuns(runs);
  ASSERT_EQ(TakeOn(1, 1), 1);
  EXPECT_EQ(held_.back(), hole);
}

TEST_F(NumaArenaTest, AWholeFreeRegionChangesItsNode) {
  for (size_t i = 0; i < kRegions; ++i) ASSERT_EQ(TakeOn(kUnitsPerRegion, 0), 0);
  EXPECT_EQ(TakeOn(1, 1), -1) << "no region is free, and a node asked for is meant";
  FreeAllOf(0);
  EXPECT_EQ(TakeOn(1, 1), 1);
  EXPECT_EQ(TakeOn(kUnitsPerRegion, 2), 2);
  EXPECT_EQ(TakeOn(kUnitsPerRegion, 0), 0);
  ExpectSound();
}

TEST_F(NumaArenaTest, ARegionInUseKeepsItsNode) {
  for (int i = 0; i < 4; ++i) ASSERT_EQ(TakeOn(16, 0), 0) << "two regions";
  for (int i = 0; i < 3; ++i) ASSERT_EQ(TakeOn(16, 1), 1) << "the other two, half of one left free";
  EXPECT_EQ(TakeOn(1, 2), -1);
  EXPECT_EQ(arena_->regions_held(), kRegions);
}

TEST_F(NumaArenaTest, FreedRegionsAreUsedAgainBeforeNewOnes) {
  ASSERT_EQ(TakeOn(1, 0), 0);
  const void* first = held_[0]->objects;
  FreeAllOf(0);
  ASSERT_EQ(TakeOn(1, 2), 2);
  EXPECT_EQ(held_[0]->objects, first);
  EXPECT_EQ(topology_.binds(), 2u);
  FreeAllOf(2);
  ASSERT_EQ(TakeOn(1, 2), 2);
  EXPECT_EQ(topology_.binds(), 2u) << "it was on that node already";
}

TEST_F(NumaArenaTest, AnyNodeTakesFromTheOthersWhenAllIsUsedUp) {
  for (size_t i = 0; i < kRegions - 1; ++i) ASSERT_EQ(TakeOn(kUnitsPerRegion, 0), 0);
  ASSERT_EQ(TakeOn(16, 1), 1);
  FakeTopology::RunOn(2);
  EXPECT_EQ(TakeOn(1, 2), -1);
  EXPECT_EQ(TakeOn(8, kAnyNode), 1);
  FakeTopology::RunOn(0);
  EXPECT_EQ(TakeOn(8, kAnyNode), 1);
  EXPECT_EQ(TakeOn(1, kAnyNode), -1) << "all is used up";
}

TEST_F(NumaArenaTest, ANodeThatRefusesIsPassedOver) {
  topology_.refuse = 1;
  FakeTopology::RunOn(1);
  EXPECT_EQ(TakeOn(1, 1), -1);
  EXPECT_EQ(TakeOn(1, kAnyNode), 2) << "the next one";
  topology_.refuse = FakeTopology::kAllNodes;
  EXPECT_EQ(TakeOn(kUnitsPerRegion, kAnyNode), -1);
  EXPECT_EQ(TakeOn(1, kAnyNode), 2) << "that region is bound already";
  topology_.refuse = FakeTopology::kNone;
  EXPECT_EQ(TakeOn(1, 1), 1) << "a refusal is not remembered";
}

TEST_F(NumaArenaTest, ARefusedChangeLeavesTheRegionWhereItWas) {
  ASSERT_EQ(TakeOn(1, 0), 0);
  FreeAllOf(0);
  topology_.refuse = 2;
  EXPECT_EQ(TakeOn(1, 2), -1);
  ExpectSound();
  EXPECT_EQ(TakeOn(1, 0), 0);
  EXPECT_EQ(topology_.NodeOf(held_[0]->objects), 0);
}

TEST_F(NumaArenaTest, OneNodeBindsNothing) {
  FakeTopology one(1);
  auto arena =
      Arena::Create({.reserve_bytes = kRegionSize, .min_reserve_bytes = kRegionSize, .topology = &one}).value();
  FakeTopology::RunOn(2);  // of other topologies
  std::vector<Slab*> runs{arena->AllocateRun(1), arena->AllocateRun(2, 0)};
  EXPECT_EQ(arena->NodeOf(runs[0]), 0);
  EXPECT_EQ(arena->NodeOf(runs[1]), 0);
  EXPECT_EQ(one.binds(), 0u);
  arena->FreeRuns(runs);
}

TEST_F(NumaArenaTest, StaysSoundUnderRandomUse) {
  std::mt19937 random(11);
  for (int step = 0; step < 3000; ++step) {
    FakeTopology::RunOn(static_cast<int>(random() % 3));
    if (held_.empty() || random() % 2 == 0) {
      const int node = static_cast<int>(random() % 4) - 1;
      const int got = TakeOn(size_t{1} << random() % 6, node);
      if (got >= 0 && node != kAnyNode) {
        ASSERT_EQ(got, node);
      }
    } else {
      std::swap(held_[random() % held_.size()], held_.back());
      std::vector<Slab*> runs{held_.back()};
      held_.pop_back();
      arena_->FreeRuns(runs);
    }
    for (const Slab* slab : held_) ASSERT_EQ(topology_.NodeOf(slab->objects), arena_->NodeOf(slab));
    if (step % 100 == 0) ExpectSound();
  }
}

class NumaArenaDeathTest : public NumaArenaTest {};

TEST_F(NumaArenaDeathTest, ANodeIsOneOfThoseThere) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(arena_->AllocateRun(1, 3), "a node that is not there");
  EXPECT_DEATH(arena_->AllocateRun(1, -2), "a node that is not there");
}

}  // namespace
}  // namespace mxa::slab
