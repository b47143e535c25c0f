// SPDX-License-Identifier: Apache-2.0
//
// The loop makes every call fail once, stops after the first run without a failure, and does not run for ever.
#include "tests/support/fail_each_once.h"

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace mxa::tests {
namespace {

TEST(FailEachOnceTest, EveryCallFailsInOneRunAndNoneInTheLast) {
  FaultInjector faults;
  std::vector<std::string> runs;
  const size_t points = FailEachOnce(faults, [&] {
    std::string& run = runs.emplace_back();
    for (int i = 0; i < 3; ++i) run += faults.ShouldFail() ? 'x' : '.';
  });
  EXPECT_EQ(points, 3u);
  EXPECT_EQ(runs, (std::vector<std::string>{"x..", ".x.", "..x", "..."}));
}

TEST(FailEachOnceTest, WorkThatEndsAtItsFirstFailureReachesEveryCallToo) {
  FaultInjector faults;
  size_t done = 0;
  const size_t points = FailEachOnce(faults, [&] {
    for (int i = 0; i < 5; ++i) {
      if (faults.ShouldFail()) return;
    }
    ++done;
  });
  EXPECT_EQ(points, 5u);
  EXPECT_EQ(done, 1u);
}

TEST(FailEachOnceTest, WorkThatNeverAsksRunsOnce) {
  FaultInjector faults;
  int runs = 0;
  EXPECT_EQ(FailEachOnce(faults, [&] { ++runs; }), 0u);
  EXPECT_EQ(runs, 1);
}

TEST(FailEachOnceTest, CountsOtherThreadsOnlyWhenToldTo) {
  FaultInjector faults;
  const auto work = [&] { std::thread([&] { (void)faults.ShouldFail(); }).join(); };
  EXPECT_EQ(FailEachOnce(faults, work), 0u);
  EXPECT_EQ(FailEachOnce(faults, work, FaultThreads::kEveryThread), 1u);
}

TEST(FailEachOnceDeathTest, EndsWorkThatAsksOnceMoreEachTime) {
  FaultInjector faults;
  size_t calls = 0;
  const auto ever_more = [&] {
    ++calls;
    for (size_t i = 0; i < calls; ++i) (void)faults.ShouldFail();
  };
  EXPECT_DEATH(FailEachOnce(faults, ever_more, FaultThreads::kThisThread, 20), "always one more place to fail");
}

}  // namespace
}  // namespace mxa::tests
