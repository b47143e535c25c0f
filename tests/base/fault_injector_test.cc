// SPDX-License-Identifier: Apache-2.0
//
// Which calls fail is exactly what the parameters say, each alone and in their order together.
#include "base/fault_injector.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace mxa {
namespace {

// One character a call: 'x' failed, '.' let through.
std::string Ask(FaultInjector& faults, size_t calls) {
  std::string answers;
  for (size_t i = 0; i < calls; ++i) answers += faults.ShouldFail() ? 'x' : '.';
  return answers;
}

std::string AskArmed(const FaultConfig& config, size_t calls) {
  FaultInjector faults;
  faults.Arm(config);
  return Ask(faults, calls);
}

size_t Failures(const std::string& answers) {
  return static_cast<size_t>(std::count(answers.begin(), answers.end(), 'x'));
}

TEST(FaultInjectorTest, LetsEverythingThroughUntilArmed) {
  FaultInjector faults;
  EXPECT_EQ(Ask(faults, 4), "....");
  EXPECT_EQ(faults.GetCounters().calls, 0u);
}

TEST(FaultInjectorTest, EveryCallFailsByDefault) { EXPECT_EQ(AskArmed({}, 4), "xxxx"); }

TEST(FaultInjectorTest, IntervalFailsEveryNthCall) { EXPECT_EQ(AskArmed({.interval = 3}, 9), "..x..x..x"); }

TEST(FaultInjectorTest, SpaceLetsTheFirstCallsThrough) { EXPECT_EQ(AskArmed({.space = 3}, 6), "...xxx"); }

TEST(FaultInjectorTest, TimesBoundsTheFailures) {
  EXPECT_EQ(AskArmed({.times = 2}, 5), "xx...");
  EXPECT_EQ(AskArmed({.times = 0}, 5), ".....");
}

TEST(FaultInjectorTest, IntervalCountsFromWhereSpaceEnds) {
  EXPECT_EQ(AskArmed({.space = 2, .interval = 3, .times = 2}, 14), "....x..x......");
}

TEST(FaultInjectorTest, ProbabilityIsAPercentage) {
  EXPECT_EQ(Failures(AskArmed({.probability = 0}, 1000)), 0u);
  EXPECT_EQ(Failures(AskArmed({.probability = 100}, 1000)), 1000u);
  // Standard deviation: about 43 and 14.
  EXPECT_NEAR(static_cast<double>(Failures(AskArmed({.probability = 25}, 10'000))), 2500, 260);
  EXPECT_NEAR(static_cast<double>(Failures(AskArmed({.probability = 0.2}, 100'000))), 200, 84);
}

TEST(FaultInjectorTest, ProbabilityAppliesToTheCallsThatTheIntervalLeaves) {
  const std::string answers = AskArmed({.interval = 2, .probability = 50}, 2000);
  for (size_t i = 0; i < answers.size(); i += 2) ASSERT_EQ(answers[i], '.') << i;
  EXPECT_NEAR(static_cast<double>(Failures(answers)), 500, 96);
}

TEST(FaultInjectorTest, TheSeedAloneDecidesTheDraw) {
  const FaultConfig config{.probability = 50, .seed = 7};
  EXPECT_EQ(AskArmed(config, 200), AskArmed(config, 200));
  EXPECT_NE(AskArmed(config, 200), AskArmed({.probability = 50, .seed = 8}, 200));
}

TEST(FaultInjectorTest, ArmingStartsFromTheBeginning) {
  FaultInjector faults;
  const FaultConfig config{.space = 2, .probability = 50, .seed = 3, .times = 8};
  faults.Arm(config);
  const std::string first = Ask(faults, 50);
  EXPECT_EQ(Failures(first), 8u);
  faults.Arm(config);
  EXPECT_EQ(Ask(faults, 50), first);
}

TEST(FaultInjectorTest, DisarmingLetsEverythingThroughAgain) {
  FaultInjector faults;
  faults.Arm({});
  faults.Arm({});
  EXPECT_EQ(Ask(faults, 2), "xx");
  faults.Disarm();
  faults.Disarm();
  EXPECT_EQ(Ask(faults, 2), "..");
  faults.Arm({});
  EXPECT_EQ(Ask(faults, 2), "xx");
}

TEST(FaultInjectorTest, CountsCallsAndFailuresWhileArmed) {
  FaultInjector faults;
  faults.Arm({.interval = 2});
  Ask(faults, 5);
  EXPECT_EQ(faults.GetCounters().calls, 5u);
  EXPECT_EQ(faults.GetCounters().failures, 2u);
  faults.Disarm();
  Ask(faults, 5);
  EXPECT_EQ(faults.GetCounters().calls, 5u);
}

TEST(FaultInjectorTest, AnyNumberOfThreadsFailExactlyAsOftenAsToldTo) {
  FaultInjector faults;
  faults.Arm({.space = 100, .interval = 3, .times = 1000});
  std::atomic<size_t> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] { failures.fetch_add(Failures(Ask(faults, 2000))); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures.load(), 1000u);
  EXPECT_EQ(faults.GetCounters().calls, 8000u);
  EXPECT_EQ(faults.GetCounters().failures, 1000u);
}

TEST(FailNthScopeTest, ExactlyTheNthCallFails) {
  FaultInjector faults;
  for (size_t n = 1; n <= 4; ++n) {
    FailNthScope scope(faults, n);
    std::string expected(4, '.');
    expected[n - 1] = 'x';
    EXPECT_EQ(Ask(faults, 4), expected);
    EXPECT_TRUE(scope.fired());
  }
  EXPECT_EQ(Ask(faults, 4), "....") << "and none after the scope";
}

TEST(FailNthScopeTest, HasNotFiredBeforeItsCall) {
  FaultInjector faults;
  FailNthScope scope(faults, 3);
  Ask(faults, 2);
  EXPECT_FALSE(scope.fired());
}

TEST(FailNthScopeTest, CountsTheCallsOfItsOwnThreadAndInjectorOnly) {
  FaultInjector faults;
  FaultInjector other;
  FailNthScope scope(faults, 2);
  EXPECT_EQ(Ask(other, 3), "...");
  std::thread([&] { EXPECT_EQ(Ask(faults, 3), "..."); }).join();
  EXPECT_EQ(Ask(faults, 3), ".x.");
}

TEST(FailNthScopeTest, CountsTheCallsOfEveryThreadWhenAskedTo) {
  FaultInjector faults;
  FailNthScope scope(faults, 5, FaultThreads::kEveryThread);
  EXPECT_EQ(Ask(faults, 2), "..");
  std::thread([&] { EXPECT_EQ(Ask(faults, 4), "..x."); }).join();
  EXPECT_TRUE(scope.fired());
  EXPECT_EQ(Ask(faults, 2), "..");
}

TEST(FailNthScopeTest, ExactlyOneOfManyThreadsFails) {
  FaultInjector faults;
  FailNthScope scope(faults, 3000, FaultThreads::kEveryThread);
  std::atomic<size_t> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] { failures.fetch_add(Failures(Ask(faults, 1000))); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures.load(), 1u);
}

TEST(FailNthScopeTest, TheInnermostDecidesAlone) {
  FaultInjector faults;
  faults.Arm({});
  {
    FailNthScope everyone(faults, 1, FaultThreads::kEveryThread);
    FailNthScope outer(faults, 1);
    {
      FailNthScope inner(faults, 2);
      EXPECT_EQ(Ask(faults, 3), ".x.");
    }
    EXPECT_FALSE(outer.fired());
    EXPECT_EQ(Ask(faults, 3), "x..");
    EXPECT_FALSE(everyone.fired());
    std::thread([&] { EXPECT_EQ(Ask(faults, 2), "x."); }).join();
  }
  EXPECT_EQ(Ask(faults, 2), "xx") << "the configuration again";
}

TEST(FailNthScopeTest, AThreadsOwnScopeComesBeforeOneForEveryThread) {
  FaultInjector faults;
  FailNthScope own(faults, 2);
  {
    FailNthScope everyone(faults, 1, FaultThreads::kEveryThread);  // though opened later
    EXPECT_EQ(Ask(faults, 3), ".x.");
    EXPECT_FALSE(everyone.fired());
    std::thread([&] { EXPECT_EQ(Ask(faults, 2), "x."); }).join();
  }
  EXPECT_TRUE(own.fired());
}

TEST(FaultConfigTest, ParsesEveryParameter) {
  const FaultConfig config = FaultConfig::Parse("probability=12.5, interval=3,times=5,space = 2,seed=7").value();
  EXPECT_EQ(config.probability, 12.5);
  EXPECT_EQ(config.interval, 3u);
  EXPECT_EQ(config.times, 5);
  EXPECT_EQ(config.space, 2u);
  EXPECT_EQ(config.seed, 7u);
}

TEST(FaultConfigTest, WhatIsNotNamedKeepsItsDefault) {
  const FaultConfig config = FaultConfig::Parse("times=-1").value();
  EXPECT_EQ(config.probability, 100);
  EXPECT_EQ(config.interval, 1u);
  EXPECT_EQ(config.times, -1);
  EXPECT_EQ(config.space, 0u);
  EXPECT_EQ(config.seed, FaultConfig{}.seed);
}

TEST(FaultConfigTest, SaysWhatIsWrongWithTheText) {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"", "\"\" has no =value"},
      {"interval", "\"interval\" has no =value"},
      {"interval=3,", "\"\" has no =value"},
      {"intervall=3", "there is no fault parameter \"intervall\""},
      {"interval=0", "interval is \"0\"; it is a whole number from 1 on"},
      {"interval=-3", "interval is \"-3\""},
      {"interval=3=4", "interval is \"3=4\""},
      {"interval=2,seed=1,interval=3", "interval is given twice"},
      {"probability=101", "probability is \"101\"; it is a percentage from 0 to 100"},
      {"probability=-1", "probability is \"-1\""},
      {"probability=nan", "probability is \"nan\""},
      {"probability=10%", "probability is \"10%\""},
      {"times=-2", "times is \"-2\"; it is a whole number from 0 on, or -1 for no end"},
      {"times=many", "times is \"many\""},
      {"space=-1", "space is \"-1\"; it is a whole number from 0 on"},
      {"seed=99999999999999999999", "seed is \"99999999999999999999\""},
  };
  for (const auto& [text, message] : wrong) {
    const auto config = FaultConfig::Parse(text);
    ASSERT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(std::string(config.status().message()).find(message), std::string::npos) << config.status();
  }
}

TEST(FaultInjectorDeathTest, RefusesAConfigurationThatMakesNoSense) {
  FaultInjector faults;
  EXPECT_DEATH(faults.Arm({.interval = 0}), "a fault configuration has interval >= 1");
  EXPECT_DEATH(faults.Arm({.probability = 100.5}), "a fault configuration has");
  EXPECT_DEATH(faults.Arm({.times = -2}), "a fault configuration has");
}

TEST(FaultInjectorDeathTest, OutlivesItsScopes) {
  auto faults = std::make_unique<FaultInjector>();
  const FailNthScope scope(*faults, 1);
  EXPECT_DEATH(faults.reset(), "destroyed with a scope open");
}

TEST(FailNthScopeDeathTest, RefusesWhatCannotBeCounted) {
  FaultInjector faults;
  EXPECT_DEATH({ const FailNthScope none(faults, 0); }, "calls are counted from 1");
  const FailNthScope scope(faults, 1, FaultThreads::kEveryThread);
  EXPECT_DEATH({ const FailNthScope second(faults, 1, FaultThreads::kEveryThread); }, "a second scope");
}

TEST(FailNthScopeDeathTest, EndsOnItsThreadNewestFirst) {
  FaultInjector faults;
  EXPECT_DEATH(
      {
        auto outer = std::make_unique<FailNthScope>(faults, 1);
        const FailNthScope inner(faults, 1);
        outer.reset();
      },
      "the newest first");
  EXPECT_DEATH(
      {
        auto scope = std::make_unique<FailNthScope>(faults, 1);
        std::thread([&] { scope.reset(); }).join();
      },
      "on the thread that opened them");
}

}  // namespace
}  // namespace mxa
