// SPDX-License-Identifier: Apache-2.0
//
// The bench as a test: everything at once, a seed a shard and a run, so that many runs on many machines are many seeds.
//
//   MXA_TORTURE_SEED      the first seed (1); shard and run are added to it
//   MXA_TORTURE_SECONDS   of each shard (8)
//   MXA_TORTURE_SCENARIO  as --scenario (mixed)
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tools/torture/crash_report.h"
#include "tools/torture/engine.h"
#include "tools/torture/report_text.h"
#include "tools/torture/shape.h"

namespace mxa::torture {
namespace {

std::string FromEnvironment(const char* name, const char* otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : text;
}

uint64_t NumberFromEnvironment(const char* name, const char* otherwise) {
  return std::strtoull(FromEnvironment(name, otherwise).c_str(), nullptr, 0);
}

// GoogleTest gives the tests of a program to its shards in turn: each shard gets the one of its number.
class TortureTest : public testing::TestWithParam<uint64_t> {};

TEST_P(TortureTest, FindsNothing) {
  Options options;
  options.seed = NumberFromEnvironment("MXA_TORTURE_SEED", "1") + GetParam() +
                 1000 * NumberFromEnvironment("TEST_RUN_NUMBER", "0");
  options.seconds = static_cast<double>(NumberFromEnvironment("MXA_TORTURE_SECONDS", "8"));
  options.stutter_seconds = 1;
  options.stall_seconds = 120;  // machines that run tests are busy
  options.scenarios = absl::StrSplit(FromEnvironment("MXA_TORTURE_SCENARIO", "mixed"), ',');
  const std::vector<std::string> shapes = ShapeNames();
  options.shape = shapes[GetParam() % shapes.size()];
  const CrashReport crash_report(ParametersOf(options));
  const Report report = RunTorture(options);
  std::cout << SummaryOf(report);
  EXPECT_EQ(report.total_errors(), 0u) << report.first_error;
  // A busy machine may do little of something: no reason to fail, but to say so.
  EXPECT_GT(report.figure(Figure::kReads), 0u);
  EXPECT_GT(report.figure(Figure::kUpdates), 0u);
  EXPECT_GT(report.grace_periods, 0u);
}

INSTANTIATE_TEST_SUITE_P(Shards, TortureTest, testing::Range(uint64_t{0}, uint64_t{2}));

}  // namespace
}  // namespace mxa::torture
