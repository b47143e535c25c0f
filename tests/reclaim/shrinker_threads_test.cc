// SPDX-License-Identifier: Apache-2.0
//
// Shrinkers come and go while several threads run rounds: none is called twice at once, or after its handle has gone,
// and what is reported dropped is what was.
#include <atomic>
#include <memory>
#include <thread>

#include "gtest/gtest.h"
#include "reclaim/shrinker_registry.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"

namespace mxa::reclaim {
namespace {

std::atomic<uint64_t> errors{0};

class Checked : public Shrinker {
 public:
  ~Checked() override {
    if (inside_ != 0) ++errors;
    alive_ = false;
  }
  size_t Count(int) override {
    if (inside_ != 0 || !alive_) ++errors;
    return left_;
  }
  absl::StatusOr<Scanned> Scan(const ScanRequest& request) override {
    if (inside_.fetch_add(1) != 0 || !alive_) ++errors;
    const size_t dropped = std::min<size_t>(request.objects, left_);
    std::this_thread::yield();
    left_ -= dropped;
    if (inside_.fetch_sub(1) != 1 || !alive_) ++errors;
    return Scanned{.objects = dropped, .bytes = dropped};
  }
  size_t left() const { return left_; }

 private:
  std::atomic<bool> alive_{true};
  std::atomic<int> inside_{0};
  size_t left_ = 200;  // not atomic: TSan sees two threads inside
};

TEST(ShrinkerThreadsTest, RegisterAndUnregisterAgainstRunningRounds) {
  errors = 0;
  ShrinkerRegistry registry;
  std::atomic<bool> done{false};
  std::atomic<uint64_t> reported{0};
  std::atomic<uint64_t> dropped{0};
  tests::ThreadGroup shrinking;
  for (int i = 0; i < 2; ++i) {
    shrinking.Start("shrinking", [&] {
      while (!done) reported += registry.Shrink({.priority = 2}).objects;
    });
  }
  shrinking.Start("looking", [&] {
    while (!done) {
      static_cast<void>(registry.Stats());
      static_cast<void>(registry.Stalled(absl::Seconds(1)));
    }
  });
  tests::ThreadGroup changing;
  for (int i = 0; i < 2; ++i) {
    changing.Start("changing", [&, i] {
      tests::Random random(tests::TestSeed(static_cast<uint64_t>(i) + 7));
      for (int round = 0; round < 1500; ++round) {
        auto shrinker = std::make_unique<Checked>();
        ShrinkerHandle handle = registry.Register(*shrinker, {.name = "checked", .batch = 1 + random.Below(50)});
        for (uint64_t yields = random.Below(20); yields > 0; --yields) std::this_thread::yield();
        handle.Reset();
        dropped += 200 - shrinker->left();
      }
    });
  }
  changing.JoinAll();
  done = true;
  shrinking.JoinAll();
  EXPECT_EQ(errors, 0u);
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(reported, dropped);
}

}  // namespace
}  // namespace mxa::reclaim
