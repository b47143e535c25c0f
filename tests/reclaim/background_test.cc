// SPDX-License-Identifier: Apache-2.0
//
// The thread: starts, stops within a slice, wakes at events, keeps to its duty limit, and tells what it does.
#include "reclaim/background.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "reclaim/clock.h"
#include "reclaim/pressure_psi.h"
#include "reclaim/rcu.h"
#include "reclaim/shrinker_registry.h"
#include "tests/reclaim/fakes.h"

namespace mxa::reclaim {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

template <typename Condition>
bool Await(Condition condition) {
  for (const absl::Time end = absl::Now() + absl::Seconds(30); absl::Now() < end;) {
    if (condition()) return true;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return false;
}

void Burn(absl::Duration time) {
  const ReclaimClock& clock = ReclaimClock::System();
  for (const absl::Duration end = clock.ThreadCpu() + time; clock.ThreadCpu() < end;) continue;
}

class BackgroundTest : public testing::Test {
 protected:
  void Fill(uint64_t idle_mib) {
    source_.idle = idle_mib * kMiB;
    source_.held = 100 * kMiB;
  }

  ShrinkerRegistry shrinkers_;
  BackgroundOptions options_{.period = absl::Milliseconds(5), .shrinkers = &shrinkers_};
  FakeSource source_{"source"};
};

TEST_F(BackgroundTest, WorksOnlyBetweenStartAndStop) {
  BackgroundReclaimer reclaimer(options_);
  const SourceHandle handle = reclaimer.AddSource(source_);
  Fill(50);
  EXPECT_EQ(reclaimer.Status().state, BackgroundState::kStopped);
  absl::SleepFor(absl::Milliseconds(20));
  EXPECT_EQ(source_.calls, 0);
  ASSERT_TRUE(reclaimer.Start().ok());
  ASSERT_TRUE(reclaimer.Start().ok()) << "nothing, the second time";
  ASSERT_TRUE(Await([&] { return source_.idle == 0; }));
  ASSERT_TRUE(Await([&] { return reclaimer.Status().totals.idle_bytes == 50 * kMiB; }));
  EXPECT_NE(reclaimer.Status().state, BackgroundState::kStopped);
  reclaimer.Stop();
  reclaimer.Stop();
  EXPECT_EQ(reclaimer.Status().state, BackgroundState::kStopped);
  const int calls = source_.calls;
  Fill(50);
  absl::SleepFor(absl::Milliseconds(20));
  EXPECT_EQ(source_.calls, calls);
  ASSERT_TRUE(reclaimer.Start().ok());
  EXPECT_TRUE(Await([&] { return source_.idle == 0; })) << "again";
}

TEST_F(BackgroundTest, DoesNothingWhereLittleIdles) {
  BackgroundReclaimer reclaimer(options_);
  const SourceHandle handle = reclaimer.AddSource(source_);
  Fill(15);
  ASSERT_TRUE(reclaimer.Start().ok());
  ASSERT_TRUE(Await([&] { return reclaimer.Status().totals.rounds >= 5; }));
  EXPECT_EQ(source_.calls, 0);
}

TEST_F(BackgroundTest, StopReachesTheSliceUnderWay) {
  BackgroundReclaimer reclaimer(options_);
  const SourceHandle handle = reclaimer.AddSource(source_);
  Fill(50);
  std::atomic<bool> inside{false};
  source_.on_reclaim = [&](const ReclaimBudget& budget) {
    inside = true;
    while (!budget.cancelled()) absl::SleepFor(absl::Microseconds(100));
  };
  ASSERT_TRUE(reclaimer.Start().ok());
  ASSERT_TRUE(Await([&] { return inside.load(); }));
  ASSERT_EQ(reclaimer.Status().inside.size(), 1u);
  EXPECT_EQ(reclaimer.Status().inside[0].name, "source");
  EXPECT_EQ(reclaimer.Status().state, BackgroundState::kWorking);
  reclaimer.Stop();  // would hang
  EXPECT_EQ(source_.calls, 1);
}

TEST_F(BackgroundTest, StopDoesNotWaitForTheNextLook) {
  options_.period = absl::Hours(1);
  BackgroundReclaimer reclaimer(options_);
  ASSERT_TRUE(reclaimer.Start().ok());
  ASSERT_TRUE(Await([&] { return reclaimer.Status().totals.rounds == 1; }));
  reclaimer.Stop();  // would hang
}

TEST_F(BackgroundTest, APokeLooksAtOnce) {
  options_.period = absl::Hours(1);
  BackgroundReclaimer reclaimer(options_);
  const SourceHandle handle = reclaimer.AddSource(source_);
  reclaimer.Poke();  // nothing, without a thread
  ASSERT_TRUE(reclaimer.Start().ok());
  ASSERT_TRUE(Await([&] { return reclaimer.Status().totals.rounds == 1; }));
  Fill(50);
  reclaimer.Poke();
  EXPECT_TRUE(Await([&] { return source_.idle == 0; }));
}

TEST_F(BackgroundTest, AnEventOfPsiDoesNotWaitForThePeriod) {
  options_.period = absl::Hours(1);
  UniqueFd event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const int signal = event.get();
  std::vector<std::unique_ptr<PressureSource>> sources;
  sources.push_back(MakePsiSourceFor(std::move(event), POLLIN, {.step_bytes = kMiB}, ReclaimClock::System()));
  FakeShrinker shrinker;
  shrinker.count = 100;
  const ShrinkerHandle shrinker_handle = shrinkers_.Register(shrinker, {.name = "s", .seeks = 0, .batch = 1});
  BackgroundReclaimer reclaimer(options_, std::make_unique<PressureMonitor>(std::move(sources)));
  const SourceHandle handle = reclaimer.AddSource(source_);
  Fill(1);
  ASSERT_TRUE(reclaimer.Start().ok());
  ASSERT_TRUE(Await([&] { return reclaimer.Status().totals.rounds == 1; }));
  EXPECT_EQ(source_.calls, 0);
  const uint64_t one = 1;
  ASSERT_EQ(write(signal, &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  ASSERT_TRUE(Await([&] { return reclaimer.Status().totals.pressed_bytes == kMiB; }));
  ASSERT_TRUE(Await([&] { return reclaimer.Status().totals.shrinker_objects > 0; })) << "the source is empty";
  reclaimer.Stop();
  EXPECT_EQ(reclaimer.Status().pressure.level, PressureLevel::kSome);
  EXPECT_EQ(reclaimer.Status().triggers.at(0).problem, "");
}

// Each slice burns a millisecond: without the limit the thread would take a processor.
TEST_F(BackgroundTest, KeepsToItsDutyLimit) {
  options_.duty_percent = 5;
  BackgroundReclaimer reclaimer(options_);
  const SourceHandle handle = reclaimer.AddSource(source_);
  source_.held = source_.idle = uint64_t{1} << 40;
  source_.most_a_slice = kMiB;
  source_.on_reclaim = [](const ReclaimBudget&) { Burn(absl::Milliseconds(1)); };
  ASSERT_TRUE(reclaimer.Start().ok());
  ASSERT_TRUE(Await([&] { return source_.calls >= 20; }));
  reclaimer.Stop();
  const BackgroundStatus status = reclaimer.Status();
  EXPECT_GE(status.cpu, absl::Milliseconds(19));
  // The last slice has not rested yet.
  EXPECT_LE(status.cpu - status.totals.longest_slice_cpu, 0.05 * status.running + absl::Milliseconds(1));
  EXPECT_GE(status.totals.longest_slice_cpu, absl::Milliseconds(1));
}

TEST_F(BackgroundTest, TellsWhatItDoesInWords) {
  BackgroundReclaimer reclaimer(options_, PressureMonitor::OfSystem({.psi = false, .rss_target_bytes = 1}));
  const SourceHandle handle = reclaimer.AddSource(source_);
  Fill(50);
  ASSERT_TRUE(reclaimer.Start().ok());
  ASSERT_TRUE(Await([&] { return reclaimer.Status().totals.pressed_bytes == 50 * kMiB; }));
  reclaimer.Stop();
  const std::string text = ToString(reclaimer.Status());
  for (const char* part : {"stopped; pressure critical", "52428800 under pressure", "slices gave 52428800 bytes",
                           "trigger rss /proc/self/statm: critical", "last reason: pressure: critical, rss"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST_F(BackgroundTest, SourcesComeAndGoWhileItRuns) {
  options_.duty_percent = 100;
  options_.period = absl::Microseconds(100);
  BackgroundReclaimer reclaimer(options_);
  ASSERT_TRUE(reclaimer.Start().ok());
  for (int i = 0; i < 300; ++i) {
    auto source = std::make_unique<FakeSource>("short-lived");
    source->held = source->idle = 50 * kMiB;
    const SourceHandle handle = reclaimer.AddSource(*source);
    ASSERT_TRUE(i % 3 != 0 || Await([&] { return source->calls > 0; }));
  }
  reclaimer.Stop();
}

using BackgroundDeathTest = BackgroundTest;

TEST_F(BackgroundDeathTest, NamesMisuse) {
  EXPECT_DEATH(BackgroundReclaimer({.duty_percent = 0}), "no share of a processor");
  EXPECT_DEATH(BackgroundReclaimer({.duty_percent = 101}), "no share of a processor");
  EXPECT_DEATH(BackgroundReclaimer({.idle_start_percent = 5, .idle_stop_percent = 6}), "above its start mark");
  EXPECT_DEATH(BackgroundReclaimer({.period = absl::ZeroDuration()}), "of nothing");
  EXPECT_DEATH(
      {
        BackgroundReclaimer reclaimer(options_);
        static_cast<void>(reclaimer.Start());
        ReadSection section;
        reclaimer.Stop();
      },
      "read section");
  EXPECT_DEATH(
      {
        BackgroundReclaimer reclaimer(options_);
        const SourceHandle handle = reclaimer.AddSource(source_);
        source_.on_reclaim = [&](const ReclaimBudget&) { reclaimer.Stop(); };
        Fill(50);
        static_cast<void>(reclaimer.Start());
        absl::SleepFor(absl::Seconds(30));
      },
      "by its own thread");
}

}  // namespace
}  // namespace mxa::reclaim
