// SPDX-License-Identifier: Apache-2.0
//
// What is made at its first use is made once, and is whole in a child, whoever was making it when the fork came.
#include "reclaim/fork_hold.h"

#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/fork_child.h"
#include "tests/support/thread_group.h"

namespace mxa::reclaim {
namespace {

// Long enough for a fork to begin, which nothing but time tells.
constexpr absl::Duration kForkBegins = absl::Milliseconds(100);

TEST(ImmortalTest, IsMadeOnceByWhoeverComesFirst) {
  Immortal<std::atomic<int>> counter;
  std::atomic<int> made{0};
  {
    tests::ThreadGroup threads;
    tests::StartBarrier all_here(4);
    for (int i = 0; i < 4; ++i) {
      threads.Start("user", [&] {
        all_here.Await();
        counter
            .Get([&] {
              ++made;
              absl::SleepFor(absl::Milliseconds(5));
              return new std::atomic<int>(0);
            })
            .fetch_add(1);
      });
    }
  }
  EXPECT_EQ(made, 1);
  std::atomic<int>& value = counter.Get([]() -> std::atomic<int>* { return nullptr; });
  EXPECT_EQ(value, 4);
  delete &value;
}

// One that needs another: the second must not wait for the fork that waits for the first.
TEST(ImmortalTest, IsWholeInTheChildOfAForkThatCameInTheMiddle) {
  static Immortal<int> outer;
  static Immortal<int> inner;
  absl::Notification begun;
  std::thread maker([&] {
    outer.Get([&] {
      begun.Notify();
      absl::SleepFor(kForkBegins);
      return new int(1 + inner.Get([] { return new int(41); }));
    });
  });
  begun.WaitForNotification();
  EXPECT_EQ(tests::InChild([]() -> std::string {
              const int value = outer.Get([] { return new int(0); });
              return value == 42 ? "" : "made twice";
            }),
            "");
  maker.join();
}

TEST(ForkHoldTest, AForkWaits) {
  std::atomic<bool> held{true};
  absl::Notification begun;
  std::thread holder([&] {
    const ForkHold hold;
    begun.Notify();
    absl::SleepFor(kForkBegins);
    held = false;
  });
  begun.WaitForNotification();
  EXPECT_EQ(tests::InChild([&]() -> std::string { return held ? "it did not wait" : ""; }), "");
  holder.join();
}

// Each waits for the other's grace periods, unless both are offline.
TEST(ForkHoldTest, TwoThreadsForkAtOnce) {
  tests::ThreadGroup threads;
  tests::StartBarrier all_here(3);
  std::atomic<bool> end{false};
  threads.Start("waiter", [&] {
    all_here.Await();
    while (!end) Synchronize();
  });
  tests::ThreadGroup forkers;
  for (int i = 0; i < 2; ++i) {
    forkers.Start("forker", [&] {
      { const ReadSection registers; }
      all_here.Await();
      for (int round = 0; round < 20; ++round) {
        ASSERT_EQ(tests::InChild([] { return std::string(); }), "");
      }
    });
  }
  forkers.JoinAll();
  end = true;
}

TEST(ForkHoldDeathTest, InsideAReadSection) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        ReadSection section;
        const ForkHold hold;
      },
      "blocking inside a read section");
}

}  // namespace
}  // namespace mxa::reclaim
