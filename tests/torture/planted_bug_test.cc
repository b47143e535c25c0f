// SPDX-License-Identifier: Apache-2.0
//
// Bugs of the bench's own, planted: readers that break the rules of reading are caught, and so is a checker that does not
// look everywhere.
#include "base/planted_bug.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/torture/engine.h"

namespace mxa::torture {
namespace {

Report RunWith(PlantedBug bug, const std::string& shape) {
  Options options;
  options.seconds = 30;
  options.stall_seconds = 120;
  options.shape = shape;
  options.scenarios = {"readwrite", "movers", "pipe", "grace"};
  options.planted = bug;
  return RunTorture(options);
}

class PlantedBugTest : public testing::TestWithParam<const char*> {};

TEST_P(PlantedBugTest, ASectionThatIsSplitBetweenLoadAndUse) {
  const Report report = RunWith(PlantedBug::kSplitReadSection, GetParam());
  EXPECT_EQ(report.verdict(), Verdict::kFailure);
  EXPECT_GT(report.planted_runs, 0);
}

TEST_P(PlantedBugTest, AReaderOutsideEverySection) {
  const Report report = RunWith(PlantedBug::kUnregisteredReader, GetParam());
  EXPECT_EQ(report.verdict(), Verdict::kFailure);
  EXPECT_GT(report.planted_runs, 0);
}

INSTANTIATE_TEST_SUITE_P(Shapes, PlantedBugTest, testing::Values("tiny", "small", "mixed"));

// By a flood or the chain, where nobody else retires.
TEST(PlantedInFloodsTest, RetirementsThatAreCalledBackEarlyOrNever) {
  for (const PlantedBug bug :
       {PlantedBug::kLateArrivals, PlantedBug::kSheafRecycledAtOnce, PlantedBug::kNeverCalledBack}) {
    SCOPED_TRACE(static_cast<int>(bug));
    Options options;
    options.seconds = 30;
    options.stall_seconds = 20;  // a flood waits for half of that
    options.shape = "tiny";
    options.scenarios = {"floods"};
    options.planted = bug;
    const Report report = RunTorture(options);
    EXPECT_EQ(report.verdict(), Verdict::kFailure);
    EXPECT_GT(report.planted_runs, 0);
  }
}

// What needs no more than one reader, a writer and a move at the right moment is found by a single-threaded run, each time.
TEST(PlantedOnOneThreadTest, AMoveThatLeavesReadersBehind) {
  for (const char* shape : {"tiny", "small"}) {
    SCOPED_TRACE(shape);
    Options options;
    options.single_threaded = true;
    options.steps = 40'000;
    options.shape = shape;
    options.scenarios = {"walks"};
    options.planted = PlantedBug::kNoRetryAfterMove;
    const Report report = RunTorture(options);
    EXPECT_EQ(report.verdict(), Verdict::kFailure);
    EXPECT_GT(report.planted_runs, 0);
  }
}

TEST(PlantedCheckerTest, ASumThatSkipsItsLastBucket) {
  const Report report = RunWith(PlantedBug::kCheckerSkipsLastBucket, "tiny");
  EXPECT_GT(report.errors[static_cast<size_t>(Error::kChecker)], 0u);
  EXPECT_THAT(report.first_error, testing::HasSubstr("age pipe"));
}

}  // namespace
}  // namespace mxa::torture
