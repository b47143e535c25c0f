// SPDX-License-Identifier: Apache-2.0
//
// One bug is planted at a time, and its runs are counted.
#include "base/planted_bug.h"

#include "gtest/gtest.h"

namespace mxa {
namespace {

TEST(PlantedBugTest, IsOnlyWhatWasPlanted) {
  EXPECT_FALSE(PlantedBugIs(PlantedBug::kDrainSkipped));
  PlantBugForTest(PlantedBug::kDrainSkipped);
  EXPECT_TRUE(PlantedBugIs(PlantedBug::kDrainSkipped));
  EXPECT_FALSE(PlantedBugIs(PlantedBug::kNoGracePeriod));
  PlantBugForTest(PlantedBug::kNone);
  EXPECT_FALSE(PlantedBugIs(PlantedBug::kDrainSkipped));
}

TEST(PlantedBugTest, CountsItsRunsAnewEachTime) {
  PlantBugForTest(PlantedBug::kNoGracePeriod);
  EXPECT_EQ(PlantedBugRunsForTest(), 0);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(PlantedBugIs(PlantedBug::kNoGracePeriod));
  EXPECT_FALSE(PlantedBugIs(PlantedBug::kDrainSkipped));
  EXPECT_EQ(PlantedBugRunsForTest(), 3);
  PlantBugForTest(PlantedBug::kNone);
  EXPECT_EQ(PlantedBugRunsForTest(), 0);
}

}  // namespace
}  // namespace mxa
