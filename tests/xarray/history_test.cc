// SPDX-License-Identifier: Apache-2.0
//
// Every index is a register: what threads do to it at once, while nodes move without pause, has an explanation in some
// order of one after the other.
#include <string>

#include "gtest/gtest.h"
#include "tests/support/random.h"
#include "tests/support/record_histories.h"

namespace mxa::tests {
namespace {

class HistoryTest : public testing::TestWithParam<int> {};

TEST_P(HistoryTest, EveryIndexIsLinearizableWhileNodesMove) {
  HistoryOptions options;
  options.threads = GetParam();
  options.seed = TestSeed(7);
  const HistoryReport report = RecordHistories(options);
  EXPECT_EQ(report.violation, absl::OkStatus());
  EXPECT_GE(report.overlaps, options.enough_overlaps) << "what ran one after the other proves little";
  EXPECT_GE(report.moves, options.enough_moves);
  RecordProperty("bursts", std::to_string(report.bursts));
  RecordProperty("calls", std::to_string(report.calls));
  RecordProperty("overlaps", std::to_string(report.overlaps));
  RecordProperty("moves", std::to_string(report.moves));
}

INSTANTIATE_TEST_SUITE_P(Threads, HistoryTest, testing::Values(2, 3));

}  // namespace
}  // namespace mxa::tests
