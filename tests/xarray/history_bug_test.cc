// SPDX-License-Identifier: Apache-2.0
//
// The histories are ones in which a bug of the mover shows: without "retry" in the old copy, a cursor reads there what
// has been overwritten since.
#include "base/planted_bug.h"
#include "gtest/gtest.h"
#include "tests/support/random.h"
#include "tests/support/record_histories.h"

namespace mxa::tests {
namespace {

TEST(HistoryBugTest, CatchesNoRetryAfterMove) {
  HistoryOptions options;
  options.seed = TestSeed(7);
  options.time = options.at_most;  // until it is found
  PlantBugForTest(PlantedBug::kNoRetryAfterMove);
  const HistoryReport report = RecordHistories(options);
  const int runs = PlantedBugRunsForTest();
  PlantBugForTest(PlantedBug::kNone);
  EXPECT_GT(runs, 0) << "the bug never ran";
  EXPECT_FALSE(report.violation.ok()) << "not noticed in " << report.bursts << " bursts";
  RecordProperty("bursts", std::to_string(report.bursts));
}

}  // namespace
}  // namespace mxa::tests
