// SPDX-License-Identifier: Apache-2.0
//
// What a round asks of each shrinker, and what of one that lies, fails, gives nothing, or does not return.
#include <atomic>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "reclaim/shrinker_registry.h"
#include "tests/reclaim/fakes.h"
#include "tests/support/thread_group.h"

namespace mxa::reclaim {
namespace {

class ShrinkerTest : public testing::Test {
 protected:
  ShrinkerStats StatsOf(const std::string& name) {
    for (ShrinkerStats& stats : registry_.Stats()) {
      if (stats.name == name) return std::move(stats);
    }
    return {};
  }

  FakeClock clock_;
  ShrinkerRegistry registry_{clock_};
  FakeShrinker one_;
  FakeShrinker two_;
};

TEST_F(ShrinkerTest, AsksForAShareByPriorityAndSeeks) {
  for (const auto& [priority, seeks, expected] : std::vector<std::tuple<int, unsigned, size_t>>{
           {4, 4, 1000}, {4, 2, 2000}, {4, 1, 4000}, {5, 4, 500}, {0, 4, 16000}, {0, 1, 16000}, {12, 0, 8000}}) {
    FakeShrinker shrinker;
    shrinker.count = 16000;
    const ShrinkerHandle handle = registry_.Register(shrinker, {.name = "s", .seeks = seeks, .batch = 10});
    const ShrinkResult result = registry_.Shrink({.priority = priority});
    EXPECT_EQ(shrinker.asked(), expected) << priority << " " << seeks;
    EXPECT_EQ(result.objects, expected);
    EXPECT_EQ(result.bytes, 100 * expected);
    EXPECT_EQ(result.scans, shrinker.scans.size());
  }
}

TEST_F(ShrinkerTest, ScansInBatchesAndCarriesTheRestOver) {
  one_.count = 1000;
  const ShrinkerHandle handle = registry_.Register(one_, {.name = "one", .seeks = 4, .batch = 100});
  registry_.Shrink({.priority = 2});  // 250: two batches, and 50 for later
  ASSERT_EQ(one_.scans.size(), 2u);
  EXPECT_EQ(one_.scans[0].objects, 100u);
  EXPECT_EQ(StatsOf("one").carried, 50u);
  registry_.Shrink({.priority = 3});  // 800 / 8 = 100, and the 50
  EXPECT_EQ(one_.asked(), 300u);
  EXPECT_EQ(StatsOf("one").carried, 50u);
  EXPECT_EQ(StatsOf("one").rounds, 2u);
  EXPECT_EQ(StatsOf("one").dropped, 300u);
}

TEST_F(ShrinkerTest, SmallSharesAddUpToABatch) {
  one_.count = 64;
  const ShrinkerHandle handle = registry_.Register(one_, {.name = "one", .seeks = 4, .batch = 10});
  for (int i = 0; i < 9; ++i) registry_.Shrink({.priority = 6});
  EXPECT_EQ(one_.scans.size(), 0u);
  registry_.Shrink({.priority = 6});
  EXPECT_EQ(one_.asked(), 10u);
}

TEST_F(ShrinkerTest, ALastFewAreScannedThoughTheyAreLessThanABatch) {
  one_.count = 3;
  const ShrinkerHandle handle = registry_.Register(one_, {.name = "one", .batch = 100});
  registry_.Shrink({.priority = 0});
  EXPECT_EQ(one_.count, 0u);
  EXPECT_EQ(StatsOf("one").carried, 0u);
}

TEST_F(ShrinkerTest, WhatIsCarriedNeverExceedsTwiceTheCount) {
  one_.count = 1000;
  one_.on_scan = [](const ScanRequest&) { return Scanned{.stop = true}; };
  const ShrinkerHandle handle = registry_.Register(one_, {.name = "one", .batch = 10});
  for (int i = 0; i < 10; ++i) registry_.Shrink({.priority = 0});
  EXPECT_EQ(StatsOf("one").carried, 2000u);
  one_.count = 7;
  registry_.Shrink({.priority = 0});
  EXPECT_EQ(StatsOf("one").carried, 14u);
  EXPECT_EQ(StatsOf("one").stops, 11u);
}

TEST_F(ShrinkerTest, AStopEndsOneShrinkersShareAndNobodyElses) {
  one_.count = two_.count = 100;
  one_.on_scan = [](const ScanRequest&) { return Scanned{.objects = 1, .bytes = 1, .stop = true}; };
  const ShrinkerHandle first = registry_.Register(one_, {.name = "one", .batch = 10});
  const ShrinkerHandle second = registry_.Register(two_, {.name = "two", .batch = 10});
  EXPECT_EQ(registry_.Shrink({.priority = 0}).objects, 101u);
  EXPECT_EQ(one_.scans.size(), 1u);
  EXPECT_EQ(StatsOf("one").carried, 100u) << "all that was asked for is asked for again";
}

TEST_F(ShrinkerTest, AnErrorIsCountedAndTheOthersGoOn) {
  one_.count = two_.count = 100;
  one_.on_scan = [](const ScanRequest&) { return absl::InternalError("disk on fire"); };
  const ShrinkerHandle first = registry_.Register(one_, {.name = "one", .batch = 10});
  const ShrinkerHandle second = registry_.Register(two_, {.name = "two", .batch = 10});
  EXPECT_EQ(registry_.Shrink({.priority = 0}).objects, 100u);
  EXPECT_EQ(one_.scans.size(), 1u);
  EXPECT_EQ(StatsOf("one").errors, 1u);
  EXPECT_NE(StatsOf("one").last_error.find("disk on fire"), std::string::npos);
}

// Counts what is not there, and frees nothing for ever.
TEST_F(ShrinkerTest, ACountThatLiesKeepsNobodyAndIsAskedLessAndLess) {
  one_.count = std::numeric_limits<size_t>::max();
  one_.on_scan = [](const ScanRequest&) { return Scanned{}; };
  two_.count = 100;
  const ShrinkerHandle first = registry_.Register(one_, {.name = "one", .seeks = 1});
  const ShrinkerHandle second = registry_.Register(two_, {.name = "two", .batch = 1});
  for (int i = 0; i < 1000; ++i) registry_.Shrink({.priority = 3});
  EXPECT_LT(two_.count, 8u) << "all but what is no object in eight";
  EXPECT_LE(one_.scans.size(), 64u * 30) << "once every 65 rounds, in the end";
  EXPECT_GE(StatsOf("one").rested, 900u);
  EXPECT_EQ(StatsOf("one").fruitless, StatsOf("one").rounds);
  const size_t before = one_.scans.size();
  registry_.Shrink({.priority = 0});
  EXPECT_GT(one_.scans.size(), before) << "at the highest priority nobody rests";
}

// Says that it dropped objects, and still counts as many.
TEST_F(ShrinkerTest, ALiarThatSeemsToWorkIsEndedByTheTimeLimit) {
  one_.count = 1'000'000'000'000;
  one_.on_scan = [&](const ScanRequest& request) {
    clock_.Pass(absl::Milliseconds(1));
    return Scanned{.objects = request.objects};
  };
  const ShrinkerHandle first = registry_.Register(one_, {.name = "one"});
  const ShrinkResult result = registry_.Shrink({.priority = 0, .time_limit = absl::Milliseconds(20)});
  EXPECT_EQ(result.scans, 20u);
  EXPECT_EQ(StatsOf("one").longest_scan, absl::Milliseconds(1));
}

TEST_F(ShrinkerTest, ARoundThatEndsEarlyBeginsWithAnotherNextTime) {
  one_.count = two_.count = 1000;
  const ShrinkerHandle first = registry_.Register(one_, {.name = "one", .batch = 10});
  const ShrinkerHandle second = registry_.Register(two_, {.name = "two", .batch = 10});
  for (int i = 0; i < 4; ++i) registry_.Shrink({.priority = 0, .wanted_bytes = 1000});
  EXPECT_EQ(one_.scans.size(), 2u);
  EXPECT_EQ(two_.scans.size(), 2u);
}

TEST_F(ShrinkerTest, EndsWhenEnoughIsBackOrItIsCancelled) {
  one_.count = 1000;
  const ShrinkerHandle handle = registry_.Register(one_, {.name = "one", .batch = 10});
  EXPECT_EQ(registry_.Shrink({.priority = 0, .wanted_bytes = 2500}).bytes, 3000u);
  std::atomic<bool> cancel{true};
  EXPECT_EQ(registry_.Shrink({.priority = 0, .cancel = &cancel}).scans, 0u);
  cancel = false;
  one_.on_scan = [&](const ScanRequest& request) {
    EXPECT_EQ(request.cancel, &cancel);
    cancel = true;
    EXPECT_TRUE(request.cancelled());
    return Scanned{.objects = 1};
  };
  EXPECT_EQ(registry_.Shrink({.priority = 0, .cancel = &cancel}).scans, 1u);
}

TEST_F(ShrinkerTest, NodesAreToldApartByThoseThatCan) {
  one_.count = two_.count = 10;
  const ShrinkerHandle first = registry_.Register(one_, {.name = "one", .batch = 1, .by_node = true});
  const ShrinkerHandle second = registry_.Register(two_, {.name = "two", .batch = 1});
  one_.on_scan = [](const ScanRequest&) { return Scanned{.stop = true}; };
  registry_.Shrink({.priority = 0, .node = 1});
  registry_.Shrink({.priority = 0, .node = 2});
  EXPECT_EQ(one_.count_nodes, (std::vector<int>{1, 2}));
  EXPECT_EQ(one_.scans.at(1).node, 2);
  EXPECT_EQ(two_.count_nodes, (std::vector<int>{kAnyNode, kAnyNode}));
  EXPECT_EQ(StatsOf("one").carried, 20u) << "each node's own";
}

TEST_F(ShrinkerTest, DirectRoundsAskOnlyThoseThatAllowIt) {
  one_.count = two_.count = 10;
  const ShrinkerHandle first = registry_.Register(one_, {.name = "one", .direct = true});
  const ShrinkerHandle second = registry_.Register(two_, {.name = "two"});
  EXPECT_EQ(registry_.Shrink({.priority = 0, .direct_only = true}).shrinkers, 1u);
  EXPECT_EQ(one_.count, 0u);
  EXPECT_EQ(two_.count, 10u);
}

TEST_F(ShrinkerTest, RunsWithReclaimForbiddenAndOnlyThen) {
  one_.count = 1;
  bool may_reclaim = true;
  one_.on_scan = [&](const ScanRequest&) {
    may_reclaim = MayReclaim();
    return Scanned{.objects = 1};
  };
  const ShrinkerHandle handle = registry_.Register(one_, {.name = "one"});
  registry_.Shrink({.priority = 0});
  EXPECT_FALSE(may_reclaim);
  EXPECT_TRUE(MayReclaim());
}

TEST_F(ShrinkerTest, AHandleEndsItsRegistrationOnceWhereverItWent) {
  one_.count = 5;
  ShrinkerHandle handle = registry_.Register(one_, {.name = "one"});
  ShrinkerHandle other = std::move(handle);
  handle.Reset();
  EXPECT_EQ(registry_.Stats().size(), 1u);
  other = registry_.Register(two_, {.name = "two"});
  ASSERT_EQ(registry_.Stats().size(), 1u);
  EXPECT_EQ(registry_.Stats()[0].name, "two");
  other.Reset();
  EXPECT_TRUE(registry_.empty());
}

// One that does not return is passed by, and named.
TEST_F(ShrinkerTest, OneThatIsStuckIsPassedByAndReported) {
  one_.count = two_.count = 10;
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  one_.on_scan = [&](const ScanRequest&) {
    inside = true;
    while (!leave) std::this_thread::yield();
    return Scanned{.objects = 1};
  };
  ShrinkerHandle first = registry_.Register(one_, {.name = "one", .batch = 100});
  ShrinkerHandle second = registry_.Register(two_, {.name = "two"});
  tests::ThreadGroup threads;
  const absl::Duration entered = clock_.Now();
  threads.Start("stuck", [&] { registry_.Shrink({.priority = 0}); });
  while (!inside) std::this_thread::yield();
  clock_.Pass(absl::Seconds(5));
  const ShrinkResult result = registry_.Shrink({.priority = 0});
  EXPECT_EQ(result.occupied, 1u);
  EXPECT_EQ(result.objects, 10u) << "of the other";
  EXPECT_EQ(StatsOf("one").passed_by, 1u);
  EXPECT_EQ(StatsOf("one").inside_since, entered);
  ASSERT_EQ(registry_.Stalled(absl::Seconds(5)).size(), 1u);
  EXPECT_EQ(registry_.Stalled(absl::Seconds(5))[0].name, "one");
  EXPECT_TRUE(registry_.Stalled(absl::Seconds(6)).empty());
  second.Reset();  // at once
  leave = true;
  threads.JoinAll();
  EXPECT_FALSE(StatsOf("one").inside_since.has_value());
  first.Reset();
}

using ShrinkerDeathTest = ShrinkerTest;

TEST_F(ShrinkerDeathTest, NamesMisuse) {
  EXPECT_DEATH(static_cast<void>(registry_.Register(one_, {.name = "one", .batch = 0})), "batch of nothing");
  EXPECT_DEATH(static_cast<void>(registry_.Register(one_, {.name = "one", .seeks = 1025})), "too many seeks");
  EXPECT_DEATH(registry_.Shrink({.priority = kLowestPriority + 1}), "no such priority");
  EXPECT_DEATH(
      {
        ArrayLockScope lock;
        registry_.Shrink({});
      },
      "under an array lock");
  EXPECT_DEATH(
      {
        ReadSection section;
        registry_.Shrink({});
      },
      "inside a read section");
  EXPECT_DEATH(
      {
        one_.count = 1;
        ShrinkerHandle handle = registry_.Register(one_, {.name = "one"});
        one_.on_scan = [&](const ScanRequest&) {
          handle.Reset();
          return Scanned{};
        };
        registry_.Shrink({.priority = 0});
      },
      "by a thread that is inside it");
  EXPECT_DEATH(
      {
        one_.count = 1;
        one_.on_scan = [&](const ScanRequest&) {
          registry_.Shrink({});
          return Scanned{};
        };
        const ShrinkerHandle handle = registry_.Register(one_, {.name = "one"});
        registry_.Shrink({.priority = 0});
      },
      "inside a callback");
}

}  // namespace
}  // namespace mxa::reclaim
