// SPDX-License-Identifier: Apache-2.0
//
// A pass's time: slices end when they should, sleep makes up the duty, and a cancelled pass does not sleep on.
#include "slab/slices.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "gtest/gtest.h"

namespace mxa::slab {
namespace {

using Clock = std::chrono::steady_clock;

void WorkFor(std::chrono::microseconds time) {
  const auto end = Clock::now() + time;
  while (Clock::now() < end) {
  }
}

TEST(SlicesTest, EndsASliceWhenItsTimeIsUsedUpAndNotBefore) {
  CompactOptions options;
  options.slice_ns = 300'000'000;
  CompactStats stats;
  Slices slices(options, stats);
  slices.Begin();
  for (int i = 0; i < 100; ++i) slices.Offer();
  EXPECT_EQ(stats.slices, 0u);
  WorkFor(std::chrono::milliseconds(301));
  slices.Offer();
  EXPECT_EQ(stats.slices, 1u);
  EXPECT_GE(stats.longest_slice_ns, 300'000'000u);
  EXPECT_GE(stats.work_ns, stats.longest_slice_ns);
  slices.End();
  EXPECT_EQ(stats.slices, 2u);
}

TEST(SlicesTest, SleepsForItsDuty) {
  CompactOptions options;
  options.slice_ns = 1'000'000;
  options.duty_percent = 20;
  CompactStats stats;
  Slices slices(options, stats);
  slices.Begin();
  for (int i = 0; i < 20; ++i) {
    WorkFor(std::chrono::microseconds(1100));
    slices.Offer();
  }
  slices.End();
  EXPECT_GE(stats.slept_ns, 4 * (stats.work_ns - stats.longest_slice_ns) * 95 / 100);
  EXPECT_GE(slices.rested_ns(), stats.slept_ns);
}

TEST(SlicesTest, ACancelledPassDoesNotSleepOn) {
  const std::atomic<bool> cancel{true};
  CompactOptions options;
  options.slice_ns = 100'000'000;
  options.duty_percent = 1;
  options.cancel = &cancel;
  CompactStats stats;
  Slices slices(options, stats);
  slices.Begin();
  WorkFor(std::chrono::milliseconds(101));
  slices.Offer();  // would sleep for ten seconds
  EXPECT_EQ(stats.slept_ns, 0u);
}

TEST(SlicesTest, WaitingIsNoWork) {
  CompactOptions options;
  CompactStats stats;
  Slices slices(options, stats);
  slices.Begin();
  slices.Pause();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  slices.Resume();
  slices.End();
  EXPECT_LT(stats.longest_slice_ns, 300'000'000u);
  EXPECT_LT(stats.work_ns, 300'000'000u);
}

// A slice that began anew with each wait would never end here.
TEST(SlicesTest, ASliceGoesOnOverWaits) {
  CompactOptions options;
  options.slice_ns = 2'000'000;
  options.duty_percent = 20;
  CompactStats stats;
  Slices slices(options, stats);
  const Clock::time_point start = Clock::now();
  slices.Begin();
  for (int i = 0; i < 20; ++i) {
    WorkFor(std::chrono::microseconds(1100));
    slices.Offer();
    slices.Pause();
    slices.Resume();
  }
  slices.End();
  const auto elapsed = std::chrono::nanoseconds(Clock::now() - start).count();
  EXPECT_GE(stats.slices, 2u);
  EXPECT_GE(stats.work_ns, (stats.slices - 1) * 2'000'000 * 95 / 100) << "no slice ends before its time is used up";
  EXPECT_GE(static_cast<uint64_t>(elapsed), 5 * (stats.work_ns - stats.longest_slice_ns) * 95 / 100);
}

TEST(SlicesTest, WhatIsWaitedCountsAsRest) {
  CompactOptions options;
  options.slice_ns = 2'000'000;
  options.duty_percent = 20;
  CompactStats stats;
  Slices slices(options, stats);
  slices.Begin();
  WorkFor(std::chrono::microseconds(1100));
  slices.Pause();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  slices.Resume();
  WorkFor(std::chrono::microseconds(1100));
  slices.Offer();
  slices.End();
  EXPECT_EQ(stats.slices, 2u);
  if (stats.work_ns < 4'000'000) {
    EXPECT_EQ(stats.slept_ns, 0u) << "worked for " << stats.work_ns;
  }
}

}  // namespace
}  // namespace mxa::slab
