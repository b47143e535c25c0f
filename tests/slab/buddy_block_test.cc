// SPDX-License-Identifier: Apache-2.0
//
// A block gives aligned runs out of the smallest free buddy that has room, and what comes back merges.
#include "slab/buddy_block.h"

#include "gtest/gtest.h"

namespace mxa::slab {
namespace {

void PutBack(BuddyBlock& block, size_t first) {
  const size_t units = block.OutAt(first);
  block.BeginReturn(first);
  block.EndReturn(first, units);
}

TEST(BuddyBlockTest, ABlockOfAnySizeServesEveryOrderUpToIt) {
  for (size_t size = 1; size <= BuddyBlock::kMostUnits; size *= 2) {
    BuddyBlock block(size);
    EXPECT_TRUE(block.whole());
    EXPECT_EQ(block.Find(2 * size).size, 0u);
    for (size_t units = 1; units <= size; units *= 2) {
      for (size_t i = 0; i < size / units; ++i) {
        const BuddyBlock::Fit fit = block.Find(units);
        ASSERT_GE(fit.size, units) << units << " of " << size;
        ASSERT_EQ(fit.first % units, 0u);
        block.Take(fit.first, units);
        ASSERT_TRUE(block.Sound());
      }
      EXPECT_EQ(block.free_units(), 0u);
      EXPECT_EQ(block.Find(1).size, 0u);
      for (size_t i = 0; i < size; i += units) PutBack(block, i);
      EXPECT_TRUE(block.whole());
    }
  }
}

TEST(BuddyBlockTest, CutsTheSmallestFreeBuddyThatHasRoom) {
  BuddyBlock block(8);
  block.Take(0, 1);  // leaves buddies of 1 at 1, 2 at 2, 4 at 4
  EXPECT_EQ(block.Find(1).first, 1u);
  EXPECT_EQ(block.Find(1).size, 1u);
  EXPECT_EQ(block.Find(2).first, 2u);
  EXPECT_EQ(block.Find(2).size, 2u);
  block.Take(1, 1);
  EXPECT_EQ(block.Find(1).first, 2u);
  EXPECT_EQ(block.Find(1).size, 2u) << "not out of the upper half";
  block.Take(2, 2);
  EXPECT_EQ(block.Find(1).first, 4u);
  EXPECT_EQ(block.Find(1).size, 4u);
  EXPECT_EQ(block.Find(8).size, 0u);
}

TEST(BuddyBlockTest, NeighboursThatAreNoBuddiesServeNoLargerRun) {
  BuddyBlock block(4);
  for (size_t i = 0; i < 4; ++i) block.Take(i, 1);
  PutBack(block, 1);
  PutBack(block, 2);
  EXPECT_EQ(block.Find(2).size, 0u);
  PutBack(block, 0);
  EXPECT_EQ(block.Find(2).first, 0u);
  EXPECT_EQ(block.Find(1).first, 2u);
}

TEST(BuddyBlockTest, UnitsComingBackAreNeitherOutNorFree) {
  BuddyBlock block(4);
  block.Take(0, 4);
  EXPECT_EQ(block.OutAt(0), 4u);
  EXPECT_EQ(block.OutAt(2), 0u) << "inside the run";
  block.BeginReturn(0);
  EXPECT_EQ(block.OutAt(0), 0u);
  EXPECT_FALSE(block.IsFree(0));
  EXPECT_EQ(block.Find(1).size, 0u);
  EXPECT_TRUE(block.Sound());
  block.EndReturn(0, 4);
  EXPECT_TRUE(block.whole());
}

TEST(BuddyBlockTest, NoticesRunsThatOverlap) {
  BuddyBlock block(4);
  block.Take(0, 2);
  block.Take(1, 1);
  EXPECT_FALSE(block.Sound());
  BuddyBlock crooked(4);
  crooked.Take(1, 2);
  EXPECT_FALSE(crooked.Sound());
}

}  // namespace
}  // namespace mxa::slab
