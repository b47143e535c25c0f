// SPDX-License-Identifier: Apache-2.0
//
// The child of a fork has no reclaimer's thread, can start one, and the parent's goes on.
#include <atomic>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "reclaim/background.h"
#include "reclaim/shrinker_registry.h"
#include "tests/reclaim/fakes.h"
#include "tests/support/fork_child.h"
#include "tests/support/thread_group.h"

namespace mxa::reclaim {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

bool AwaitEmpty(const FakeSource& source) {
  for (int i = 0; i < 20'000 && source.idle != 0; ++i) absl::SleepFor(absl::Milliseconds(1));
  return source.idle == 0;
}

class BackgroundForkTest : public testing::Test {
 protected:
  void Fill() { source_.held = source_.idle = 50 * kMiB; }

  ShrinkerRegistry shrinkers_;
  FakeSource source_{"source"};
  BackgroundReclaimer reclaimer_{{.duty_percent = 50, .period = absl::Milliseconds(1), .shrinkers = &shrinkers_},
                                 PressureMonitor::OfSystem()};
};

TEST_F(BackgroundForkTest, TheChildStartsItsOwn) {
  SourceHandle handle = reclaimer_.AddSource(source_);
  ASSERT_TRUE(reclaimer_.Start().ok());
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(tests::InChild([&]() -> std::string {
                if (reclaimer_.Status().state != BackgroundState::kStopped) return "it says that it runs";
                if (i % 2 == 0) reclaimer_.Stop();  // nothing
                reclaimer_.Poke();
                Fill();
                absl::SleepFor(absl::Milliseconds(5));
                if (source_.idle == 0) return "somebody works";
                if (!reclaimer_.Start().ok()) return "no start";
                if (!AwaitEmpty(source_)) return "nobody works";
                reclaimer_.Stop();
                handle.Reset();
                return reclaimer_.Status().state == BackgroundState::kStopped ? "" : "it does not stop";
              }),
              "");
    Fill();
    EXPECT_TRUE(AwaitEmpty(source_)) << "the parent's";
  }
}

TEST_F(BackgroundForkTest, AForkFindsNobodyInsideASourceOrAShrinker) {
  std::atomic<int> inside{0};
  FakeShrinker shrinker;
  shrinker.count = 1'000'000'000;
  shrinker.on_scan = [&](const ScanRequest& request) {
    ++inside;
    std::this_thread::yield();
    --inside;
    return Scanned{.objects = request.objects, .bytes = 1};
  };
  source_.on_reclaim = [&](const ReclaimBudget&) {
    ++inside;
    std::this_thread::yield();
    --inside;
    Fill();
  };
  const ShrinkerHandle shrinker_handle = shrinkers_.Register(shrinker, {.name = "s"});
  SourceHandle handle = reclaimer_.AddSource(source_);
  Fill();
  ASSERT_TRUE(reclaimer_.Start().ok());
  std::atomic<bool> done{false};
  tests::ThreadGroup threads;
  threads.Start("shrinking", [&] {
    while (!done) shrinkers_.Shrink({.priority = 0, .time_limit = absl::Microseconds(100)});
  });
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(tests::InChild([&]() -> std::string {
                if (inside != 0) return "somebody is inside";
                if (!reclaimer_.Status().inside.empty() || !shrinkers_.Stalled(absl::ZeroDuration()).empty()) {
                  return "somebody is said to be inside";
                }
                const ShrinkResult result = shrinkers_.Shrink({.priority = 0, .time_limit = absl::Microseconds(100)});
                return result.shrinkers == 1 ? "" : "the shrinker cannot be asked";
              }),
              "");
  }
  done = true;
  threads.JoinAll();
  reclaimer_.Stop();
}

}  // namespace
}  // namespace mxa::reclaim
