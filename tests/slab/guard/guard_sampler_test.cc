// SPDX-License-Identifier: Apache-2.0
//
// A sampler says yes once an interval, give or take a quarter, or once every so many calls, and to one caller only.
#include "slab/guard/guard_sampler.h"

#include <atomic>
#include <cstdint>
#include <set>
#include <thread>

#include "gtest/gtest.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
std::atomic<uint64_t> test_now{0};
uint64_t TestNow() { return test_now.load(); }

GuardSamplerOptions EveryHundredMilliseconds() { return {.interval = absl::Milliseconds(100), .now = &TestNow}; }

// A clock that answers only when two threads have asked: both have looked at the due time by then.
std::atomic<int> askers{0};
uint64_t NowForTwo() {
  const int mine = askers.fetch_add(1);
  while (mine > 0 && askers.load() < 3) std::this_thread::yield();
  return mine == 0 ? 0 : 200 * kMillisecond;
}

class GuardSamplerTest : public testing::Test {
 protected:
  GuardSamplerTest() { test_now = 5'000 * kMillisecond; }
};

TEST_F(GuardSamplerTest, SamplesEveryNthCall) {
  GuardSampler sampler({.every = 3});
  for (int i = 1; i <= 30; ++i) EXPECT_EQ(sampler.ShouldGuard(), i % 3 == 0) << i;
}

TEST_F(GuardSamplerTest, SamplesEveryCall) {
  GuardSampler sampler({.every = 1});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(sampler.ShouldGuard());
}

TEST_F(GuardSamplerTest, NeverSamplesWithoutAnInterval) {
  GuardSampler sampler({.interval = absl::ZeroDuration(), .now = &TestNow});
  for (int i = 0; i < 100; ++i) {
    test_now += 1'000 * kMillisecond;
    EXPECT_FALSE(sampler.ShouldGuard());
  }
}

TEST_F(GuardSamplerTest, SamplesOnceAnIntervalGiveOrTakeAQuarter) {
  GuardSampler sampler(EveryHundredMilliseconds());
  std::set<uint64_t> gaps;
  uint64_t last = test_now;
  uint64_t sum = 0;
  constexpr uint64_t kSamples = 200;
  for (uint64_t i = 0; i < kSamples;) {
    test_now += kMillisecond;
    if (!sampler.ShouldGuard()) continue;
    const uint64_t gap = (test_now - last) / kMillisecond;
    ASSERT_GE(gap, 75u);
    ASSERT_LE(gap, 126u);
    gaps.insert(gap);
    sum += gap;
    last = test_now;
    ++i;
    ASSERT_FALSE(sampler.ShouldGuard()) << "one sample an interval";
  }
  EXPECT_GT(gaps.size(), 20u) << "no jitter";
  EXPECT_LT(*gaps.begin(), 85u);
  EXPECT_GT(*gaps.rbegin(), 115u);
  EXPECT_NEAR(static_cast<double>(sum) / kSamples, 100.0, 5.0);
}

TEST_F(GuardSamplerTest, DoesNotMakeUpForWhatWasMissed) {
  GuardSampler sampler(EveryHundredMilliseconds());
  test_now += 60'000 * kMillisecond;
  EXPECT_TRUE(sampler.ShouldGuard());
  EXPECT_FALSE(sampler.ShouldGuard());
  test_now += 74 * kMillisecond;
  EXPECT_FALSE(sampler.ShouldGuard());
  test_now += 52 * kMillisecond;
  EXPECT_TRUE(sampler.ShouldGuard());
}

TEST_F(GuardSamplerTest, UsesTheSystemsClockUnlessToldOtherwise) {
  GuardSampler never({.interval = absl::Hours(1)});
  EXPECT_FALSE(never.ShouldGuard());
  // A nanosecond is over as soon as the clock ticks.
  GuardSampler soon({.interval = absl::Nanoseconds(1)});
  while (!soon.ShouldGuard()) {
  }
}

TEST_F(GuardSamplerTest, ASampleIsOneCallersAmongManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 200;
  GuardSampler by_time(EveryHundredMilliseconds());
  GuardSampler by_count({.every = 7});
  std::atomic<int> samples_by_time{0};
  std::atomic<int> samples_by_count{0};
  // All threads ask at each time; the last to have asked moves the time on.
  std::atomic<int> asked{0};
  std::atomic<int> round{0};
  tests::ThreadGroup threads;
  test_now += 200 * kMillisecond;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.Start("asker", [&] {
      for (int mine = 0; mine < kRounds; ++mine) {
        while (round.load() != mine) std::this_thread::yield();
        samples_by_time += by_time.ShouldGuard() ? 1 : 0;
        samples_by_count += by_count.ShouldGuard() ? 1 : 0;
        if (++asked % kThreads == 0) {
          test_now += 200 * kMillisecond;
          ++round;
        }
      }
    });
  }
  threads.JoinAll();
  EXPECT_EQ(samples_by_time, kRounds);
  EXPECT_EQ(samples_by_count, kThreads * kRounds / 7);
}

TEST_F(GuardSamplerTest, OfTwoWhoFindItDueOneHasIt) {
  askers = 0;
  GuardSampler sampler({.interval = absl::Milliseconds(100), .now = &NowForTwo});  // the first to ask
  std::atomic<int> samples{0};
  tests::ThreadGroup threads;
  for (int thread = 0; thread < 2; ++thread) {
    threads.Start("asker", [&] { samples += sampler.ShouldGuard() ? 1 : 0; });
  }
  threads.JoinAll();
  EXPECT_EQ(samples, 1);
}

using GuardSamplerDeathTest = GuardSamplerTest;

TEST_F(GuardSamplerDeathTest, RefusesAnImpossibleInterval) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(GuardSampler({.interval = -absl::Seconds(1)}), "negative or endless");
  EXPECT_DEATH(GuardSampler({.interval = absl::InfiniteDuration()}), "negative or endless");
}

}  // namespace
}  // namespace mxa::slab
