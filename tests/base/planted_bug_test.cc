// SPDX-License-Identifier: Apache-2.0
//
// One bug is planted at a time, at its rate, and its runs are counted; each has a name of its own.
#include "base/planted_bug.h"

#include <optional>
#include <set>

#include "absl/strings/string_view.h"
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

TEST(PlantedBugTest, IsSparedAsOftenAsItsRateSays) {
  PlantBugForTest(PlantedBug::kGracePeriodSkippedOften);
  int answers = 0;
  for (int i = 0; i < 1000; ++i) answers += PlantedBugIs(PlantedBug::kGracePeriodSkippedOften) ? 1 : 0;
  EXPECT_EQ(answers, 10);
  EXPECT_EQ(PlantedBugRunsForTest(), 10);
  PlantBugForTest(PlantedBug::kNone);
}

TEST(PlantedBugTest, IsFoundByItsName) {
  std::set<absl::string_view> names;
  for (const PlantedBugInfo& info : PlantedBugs()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_EQ(PlantedBugByName(info.name), info.bug);
    EXPECT_FALSE(info.what.empty());
    EXPECT_GE(info.one_in, 1u);
  }
  EXPECT_GE(names.size(), 36u);
  EXPECT_EQ(PlantedBugByName("none-of-these"), std::nullopt);
}

}  // namespace
}  // namespace mxa
