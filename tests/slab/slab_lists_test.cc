// SPDX-License-Identifier: Apache-2.0
//
// Slabs stand on the list of their occupancy, and the fullest with room comes first.
#include "slab/slab_lists.h"

#include <deque>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace mxa::slab {
namespace {

class SlabListsTest : public testing::Test {
 protected:
  ~SlabListsTest() override {
    for (Slab& slab : slabs_) {
      if (slab.list != nullptr) lists_.Remove(slab);
    }
  }

  Slab& Add(uint16_t live, uint16_t capacity) {
    Slab& slab = slabs_.emplace_back();
    slab.live = live;
    slab.capacity = capacity;
    lists_.Insert(slab);
    return slab;
  }

  std::deque<Slab> slabs_;
  SlabLists lists_;
};

TEST_F(SlabListsTest, HasNothingToGiveAtFirst) {
  EXPECT_EQ(lists_.Fullest(), nullptr);
  EXPECT_EQ(lists_.TakeEmpty(0), nullptr);
  EXPECT_EQ(lists_.empty_count(), 0u);
}

TEST_F(SlabListsTest, InsertingListsASlab) {
  Slab& slab = Add(3, 10);
  EXPECT_EQ(slab.state, SlabState::kListed);
  EXPECT_TRUE(lists_.OnItsList(slab));
}

TEST_F(SlabListsTest, TheFullestWithRoomComesFirst) {
  Slab& empty = Add(0, 100);
  Slab& sparse = Add(1, 100);
  Slab& dense = Add(99, 100);
  Add(100, 100);
  EXPECT_EQ(lists_.Fullest(), &dense);
  lists_.SetLive(dense, 100);
  EXPECT_EQ(lists_.Fullest(), &sparse) << "a full slab has no room";
  lists_.SetLive(sparse, 100);
  EXPECT_EQ(lists_.Fullest(), &empty);
  lists_.SetLive(empty, 100);
  EXPECT_EQ(lists_.Fullest(), nullptr);
}

TEST_F(SlabListsTest, EveryOccupancyHasAListOfItsOwnKind) {
  for (const uint16_t capacity : {uint16_t{1}, uint16_t{2}, uint16_t{8}, uint16_t{17}, uint16_t{113}, uint16_t{8192}}) {
    Slab& slab = Add(0, capacity);
    for (uint16_t live = 0; live <= capacity; ++live) {
      lists_.SetLive(slab, live);
      ASSERT_TRUE(lists_.OnItsList(slab)) << live << " of " << capacity;
      ASSERT_EQ(lists_.empty_count(), live == 0 ? 1u : 0u) << live << " of " << capacity;
      ASSERT_EQ(lists_.Fullest(), live == capacity ? nullptr : &slab) << live << " of " << capacity;
    }
    lists_.Remove(slab);
  }
}

// A sixteenth of a slab's capacity tells two slabs apart.
TEST_F(SlabListsTest, FullestIsWithinABandOfTheTruth) {
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) Add(static_cast<uint16_t>(random() % 65), 64);
  for (int step = 0; step < 2000; ++step) {
    Slab& slab = slabs_[random() % slabs_.size()];
    lists_.SetLive(slab, static_cast<uint16_t>(random() % 65));
    size_t fullest = 0;
    for (const Slab& other : slabs_) {
      if (other.live < 64) fullest = std::max<size_t>(fullest, other.live);
    }
    ASSERT_GE(size_t{lists_.Fullest()->live} + 64 / SlabLists::kBands, fullest);
    ASSERT_LT(lists_.Fullest()->live, 64);
  }
  size_t visited = 0;
  lists_.ForEach([&](Slab& slab) { visited += lists_.OnItsList(slab) ? 1 : 1000; });
  EXPECT_EQ(visited, slabs_.size());
}

TEST_F(SlabListsTest, TakesEmptySlabsDownToWhatIsKept) {
  Add(1, 8);
  for (int i = 0; i < 5; ++i) Add(0, 8);
  for (size_t left = 5; left > 2; --left) {
    Slab* slab = lists_.TakeEmpty(2);
    ASSERT_NE(slab, nullptr);
    EXPECT_EQ(slab->live, 0);
    EXPECT_EQ(slab->list, nullptr);
    EXPECT_EQ(lists_.empty_count(), left - 1);
  }
  EXPECT_EQ(lists_.TakeEmpty(2), nullptr);
}

}  // namespace
}  // namespace mxa::slab
