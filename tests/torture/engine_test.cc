// SPDX-License-Identifier: Apache-2.0
//
// A run finds nothing wrong in a library without bugs, whatever the scenario, and has done some work.
#include "tools/torture/engine.h"

#include "gtest/gtest.h"

namespace mxa::torture {
namespace {

TEST(EngineTest, ReadersWritersAndMoversAgree) {
  Options options;
  options.seconds = 1;
  options.stutter_seconds = 0.3;
  options.scenarios = {"readwrite", "movers"};
  const Report report = RunTorture(options);
  EXPECT_EQ(report.total_errors(), 0u) << report.first_error << "\n" << report.first_operations;
  for (const Figure figure : {Figure::kReads, Figure::kUpdates, Figure::kPasses, Figure::kMoves, Figure::kAudits}) {
    EXPECT_GT(report.figure(figure), 0u) << FigureName(figure);
  }
}

}  // namespace
}  // namespace mxa::torture
