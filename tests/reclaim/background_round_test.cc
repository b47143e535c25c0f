// SPDX-License-Identifier: Apache-2.0
//
// Whom one round asks, in which order and for how much, with fake sources and a clock that goes when told.
#include "reclaim/background_round.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/shrinker_registry.h"
#include "tests/reclaim/fakes.h"
#include "tests/support/thread_group.h"

namespace mxa::reclaim {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

class BackgroundRoundTest : public testing::Test {
 protected:
  BackgroundRoundTest() {
    for (FakeSource* source : {&moving_, &other_, &dropping_, &giving_}) {
      source->on_reclaim = [this, source](const ReclaimBudget&) { asked_.push_back(source->name()); };
    }
  }
  void Fill(FakeSource& source, uint64_t idle_mib, uint64_t held_mib) {
    source.idle = idle_mib * kMiB;
    source.held = held_mib * kMiB;
  }
  RoundGain Run(PressureLevel level = PressureLevel::kNone, uint64_t wanted = 0) {
    asked_.clear();
    return round_.Run({level, wanted, level == PressureLevel::kNone ? "" : "a file"});
  }

  FakeClock clock_;
  ShrinkerRegistry shrinkers_{clock_};
  BackgroundOptions options_{.shrinkers = &shrinkers_, .clock = &clock_};
  FakeSource moving_{"moving"};
  FakeSource other_{"other"};
  FakeSource dropping_{"dropping", ReclaimCost::kDrops};
  FakeSource giving_{"giving", ReclaimCost::kGivesBack};
  std::vector<std::string> asked_;
  BackgroundRound round_{options_};
};

TEST_F(BackgroundRoundTest, LeavesSmallIdleMemoryAlone) {
  const SourceHandle handle = round_.Add(moving_);
  Fill(moving_, 15, 20);
  EXPECT_EQ(Run().bytes, 0u);
  Fill(moving_, 16, 100);
  EXPECT_EQ(Run().bytes, 0u);
  EXPECT_EQ(moving_.calls, 0);
  EXPECT_EQ(round_.Totals().rounds, 2u);
  EXPECT_EQ(round_.Totals().slices, 0u);
}

TEST_F(BackgroundRoundTest, GivesIdleMemoryBack) {
  const SourceHandle handle = round_.Add(moving_);
  Fill(moving_, 64, 100);
  EXPECT_EQ(Run().bytes, 64 * kMiB);
  EXPECT_EQ(round_.Totals().idle_bytes, 64 * kMiB);
  EXPECT_EQ(round_.Totals().pressed_bytes, 0u);
  EXPECT_EQ(round_.Totals().last_reason, "idle memory of moving");
  ASSERT_EQ(round_.Sources().size(), 1u);
  EXPECT_EQ(round_.Sources()[0].bytes, 64 * kMiB);
  EXPECT_EQ(round_.Sources()[0].held.held_bytes, 100 * kMiB);
}

TEST_F(BackgroundRoundTest, CheapestFirstThenTheMostIdle) {
  const SourceHandle a = round_.Add(dropping_);
  const SourceHandle b = round_.Add(moving_);
  const SourceHandle c = round_.Add(other_);
  const SourceHandle d = round_.Add(giving_);
  for (FakeSource* source : {&dropping_, &moving_, &giving_}) Fill(*source, 32, 64);
  Fill(other_, 40, 64);
  Run();
  EXPECT_EQ(asked_, (std::vector<std::string>{"giving", "other", "moving", "dropping"}));
}

TEST_F(BackgroundRoundTest, EndsWhenWhatIsWantedIsBack) {
  const SourceHandle a = round_.Add(moving_);
  const SourceHandle b = round_.Add(other_);
  Fill(moving_, 6, 100);
  Fill(other_, 4, 100);
  EXPECT_EQ(Run(PressureLevel::kSome, 5 * kMiB).bytes, 5 * kMiB);
  EXPECT_EQ(asked_, std::vector<std::string>{"moving"});
  EXPECT_EQ(moving_.idle, 1 * kMiB) << "no more than was wanted";
  EXPECT_EQ(round_.Totals().pressed_bytes, 5 * kMiB);
  EXPECT_EQ(round_.Totals().last_reason, "pressure: some, a file");
}

TEST_F(BackgroundRoundTest, EndsWhenTheSliceIsUsedUp) {
  const SourceHandle a = round_.Add(moving_);
  const SourceHandle b = round_.Add(other_);
  Fill(moving_, 64, 100);
  Fill(other_, 32, 100);
  moving_.on_reclaim = [&](const ReclaimBudget& budget) {
    EXPECT_EQ(budget.slice, options_.slice);
    asked_.push_back("moving");
    clock_.Work(options_.slice);
  };
  Run();
  EXPECT_EQ(asked_, std::vector<std::string>{"moving"});
  EXPECT_EQ(round_.Totals().longest_slice_cpu, options_.slice);
  Run();
  EXPECT_EQ(asked_, std::vector<std::string>{"other"});
}

TEST_F(BackgroundRoundTest, WorkElsewhereCountsAsWork) {
  const SourceHandle a = round_.Add(moving_);
  const SourceHandle b = round_.Add(other_);
  Fill(moving_, 64, 100);
  Fill(other_, 32, 100);
  moving_.elsewhere = options_.slice;
  EXPECT_EQ(Run().cpu_elsewhere, options_.slice);
  EXPECT_EQ(asked_, std::vector<std::string>{"moving"});
}

TEST_F(BackgroundRoundTest, LeavesWhoGainsNothingAlone) {
  const SourceHandle handle = round_.Add(moving_);
  Fill(moving_, 64, 100);
  moving_.most_a_slice = 0;
  for (int i = 0; i < 100; ++i) {
    Run();
    clock_.Pass(absl::Milliseconds(100));
  }
  EXPECT_EQ(moving_.calls, 4) << "after 0, 1, 3 and 7 seconds of ten";
  EXPECT_EQ(round_.Totals().fruitless, 4u);
  EXPECT_EQ(round_.Sources()[0].backoff, absl::Seconds(8));
}

TEST_F(BackgroundRoundTest, ShrinkersComeLastAndUnderPressureOnly) {
  FakeShrinker shrinker;
  shrinker.count = 1'000'000;
  const ShrinkerHandle shrinker_handle = shrinkers_.Register(shrinker, {.name = "s", .batch = 10});
  const SourceHandle handle = round_.Add(moving_);
  Fill(moving_, 64, 100);
  Run();
  EXPECT_EQ(shrinker.scans.size(), 0u) << "no pressure";
  Fill(moving_, 1, 100);
  Run(PressureLevel::kSome, kMiB);
  EXPECT_EQ(shrinker.scans.size(), 0u) << "a source had it";
  Fill(moving_, 1, 100);
  shrinker.on_scan = [&](const ScanRequest&) {
    EXPECT_EQ(moving_.idle, 0u);
    return Scanned{.objects = 10, .bytes = kMiB / 2};
  };
  EXPECT_EQ(Run(PressureLevel::kSome, 2 * kMiB).bytes, 2 * kMiB);
  EXPECT_EQ(shrinker.scans.size(), 2u) << "for what was left";
  EXPECT_EQ(round_.Totals().shrinker_bytes, kMiB);
  EXPECT_EQ(round_.Totals().shrinker_objects, 20u);
}

TEST_F(BackgroundRoundTest, WorsePressureAsksShrinkersForMore) {
  size_t asked_before = 0;
  for (const PressureLevel level : {PressureLevel::kSome, PressureLevel::kHigh, PressureLevel::kCritical}) {
    FakeShrinker shrinker;
    shrinker.count = 1'000'000;
    const ShrinkerHandle handle = shrinkers_.Register(shrinker, {.name = "s", .batch = 10});
    Run();
    Run(level, 1000 * kMiB);
    EXPECT_GT(shrinker.asked(), 2 * asked_before);
    asked_before = shrinker.asked();
  }
}

TEST_F(BackgroundRoundTest, AtTheWorstShrinkersAreAskedThoughTimeIsUp) {
  FakeShrinker shrinker;
  const ShrinkerHandle shrinker_handle = shrinkers_.Register(shrinker, {.name = "s", .batch = 10});
  const SourceHandle handle = round_.Add(moving_);
  moving_.on_reclaim = [&](const ReclaimBudget&) { clock_.Work(options_.slice); };
  for (const PressureLevel level : {PressureLevel::kHigh, PressureLevel::kCritical}) {
    Fill(moving_, 1, 100);
    shrinker.count = 1'000'000;
    Run(level, 1000 * kMiB);
    EXPECT_EQ(shrinker.scans.empty(), level == PressureLevel::kHigh);
  }
}

TEST_F(BackgroundRoundTest, ACancelReachesTheSourceAndLastsUntilItResumes) {
  const SourceHandle a = round_.Add(moving_);
  const SourceHandle b = round_.Add(other_);
  Fill(moving_, 64, 100);
  Fill(other_, 32, 100);
  moving_.on_reclaim = [&](const ReclaimBudget& budget) {
    EXPECT_FALSE(budget.cancelled());
    round_.Cancel();
    EXPECT_TRUE(budget.cancelled());
  };
  Run();
  Run();
  EXPECT_EQ(moving_.calls, 1);
  EXPECT_EQ(other_.calls, 0);
  round_.Resume();
  other_.on_reclaim = [](const ReclaimBudget& budget) { EXPECT_FALSE(budget.cancelled()); };
  Run();
  EXPECT_EQ(other_.calls, 1);
}

TEST_F(BackgroundRoundTest, AHandleThatGoesCancelsItsSliceAndWaitsForItsEnd) {
  SourceHandle handle = round_.Add(moving_);
  Fill(moving_, 64, 100);
  std::atomic<bool> inside{false};
  std::atomic<bool> left{false};
  moving_.on_reclaim = [&](const ReclaimBudget& budget) {
    inside = true;
    while (!budget.cancelled()) std::this_thread::yield();
    left = true;
  };
  tests::ThreadGroup threads;
  threads.Start("round", [&] { round_.Run({}); });
  while (!inside) std::this_thread::yield();
  ASSERT_EQ(round_.Occupied().size(), 1u);
  EXPECT_EQ(round_.Occupied()[0].name, "moving");
  handle.Reset();
  EXPECT_TRUE(left);
  threads.JoinAll();
  EXPECT_TRUE(round_.Sources().empty());
}

}  // namespace
}  // namespace mxa::reclaim
