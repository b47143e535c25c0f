// SPDX-License-Identifier: Apache-2.0
//
// The interleaver itself: a held thread stands still, and a hold that nobody met is noticed.
#include "tests/support/interleaver.h"

#include <atomic>

#include "base/schedule_point.h"
#include "gtest/gtest.h"
#include "tests/support/thread_group.h"

namespace mxa::tests {
namespace {

TEST(InterleaverTest, HoldsTheNextThreadAtAPoint) {
  Interleaver interleaver;
  ThreadGroup threads;
  std::atomic<int> steps{0};
  interleaver.Hold("test.point");
  threads.Start("held", [&] {
    steps = 1;
    MXA_SCHEDULE_POINT("test.point");
    steps = 2;
    MXA_SCHEDULE_POINT("test.point");  // passes: the hold is for one
  });
  interleaver.AwaitHeld("test.point");
  EXPECT_EQ(steps, 1);
  interleaver.Release("test.point");
  threads.JoinAll();
  EXPECT_EQ(steps, 2);
}

TEST(InterleaverDeathTest, NoticesAHoldThatWasNotMet) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Interleaver interleaver;
        interleaver.Hold("test.never_reached");
      },
      "not met and released: test.never_reached");
}

}  // namespace
}  // namespace mxa::tests
