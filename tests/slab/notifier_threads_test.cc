// SPDX-License-Identifier: Apache-2.0
//
// Once Unregister has returned, no thread is inside the handler and none comes; it waits for nothing else.
#include <atomic>
#include <cstdint>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "slab/notifier.h"
#include "tests/support/notifier_fixture.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

using tests::kAllocate;
using tests::kFree;
using tests::Recorder;

// How long a step that must not happen yet is waited for.
constexpr absl::Duration kNotYet = absl::Milliseconds(30);

class NotifierThreadsTest : public tests::NotifierFixture {
 protected:
  // Puts a thread into `handler` that stays until `leave_`.
  void Block(Recorder& handler) {
    handler.inside = [&] {
      if (blocking_.exchange(true)) return;
      inside_.Notify();
      leave_.WaitForNotification();
    };
    threads_.Start("blocked", [&] { chain_.Tell(kFree); });
    inside_.WaitForNotification();
  }

  std::atomic<bool> blocking_{false};
  absl::Notification inside_;
  absl::Notification leave_;
  tests::ThreadGroup threads_;
};

TEST_F(NotifierThreadsTest, UnregisterWaitsUntilTheHandlerHasReturned) {
  RegisterAll();
  Block(b_);
  absl::Notification returned;
  threads_.Start("unregister", [&] {
    EXPECT_TRUE(chain_.Unregister(b_));
    returned.Notify();
  });
  EXPECT_FALSE(returned.WaitForNotificationWithTimeout(kNotYet));
  leave_.Notify();
  returned.WaitForNotification();
  threads_.JoinAll();
  log_.Take();
  chain_.Tell(kFree);
  EXPECT_EQ(log_.Take(), ".a .c");
}

TEST_F(NotifierThreadsTest, TheSecondToUnregisterWaitsAsWell) {
  RegisterAll();
  Block(b_);
  std::atomic<int> returned{0};
  std::atomic<int> took_off{0};
  absl::Notification first;
  for (int i = 0; i < 2; ++i) {
    threads_.Start("unregister", [&] {
      if (chain_.Unregister(b_)) took_off.fetch_add(1);
      if (returned.fetch_add(1) == 0) first.Notify();
    });
  }
  EXPECT_FALSE(first.WaitForNotificationWithTimeout(kNotYet));
  leave_.Notify();
  threads_.JoinAll();
  EXPECT_EQ(returned.load(), 2);
  EXPECT_EQ(took_off.load(), 1);
}

TEST_F(NotifierThreadsTest, UnregisterWaitsForEveryThreadInside) {
  chain_.Register(a_);
  absl::Notification inside[2];
  absl::Notification leave[2];
  std::atomic<int> next{0};
  a_.inside = [&] {
    const int i = next.fetch_add(1);
    inside[i].Notify();
    leave[i].WaitForNotification();
  };
  for (int i = 0; i < 2; ++i) threads_.Start("inside", [&] { chain_.Tell(kFree); });
  for (const absl::Notification& here : inside) here.WaitForNotification();
  absl::Notification returned;
  threads_.Start("unregister", [&] {
    chain_.Unregister(a_);
    returned.Notify();
  });
  leave[0].Notify();
  EXPECT_FALSE(returned.WaitForNotificationWithTimeout(kNotYet)) << "the other one is still inside";
  leave[1].Notify();
  threads_.JoinAll();
}

TEST_F(NotifierThreadsTest, UnregisterDoesNotWaitForOtherHandlers) {
  RegisterAll();
  Block(b_);
  EXPECT_TRUE(chain_.Unregister(a_));
  EXPECT_TRUE(chain_.Unregister(c_));
  Recorder d{log_, "d"};
  chain_.Register(d);
  chain_.Tell(kFree);
  EXPECT_TRUE(chain_.Unregister(d)) << "nor does anything else";
  leave_.Notify();
  threads_.JoinAll();
  EXPECT_EQ(log_.Take(), ".a .b .b .d") << "c was unregistered before the blocked walk got to it";
}

TEST_F(NotifierThreadsTest, UnregisterDoesNotWaitForHandlersThatLeave) {
  chain_.Register(a_);
  chain_.Register(b_);
  a_.inside = [&] {
    chain_.Unregister(a_);
    inside_.Notify();
    leave_.WaitForNotification();
  };
  threads_.Start("leaving", [&] { chain_.Tell(kFree); });
  inside_.WaitForNotification();
  EXPECT_TRUE(chain_.Unregister(b_));
  leave_.Notify();
  threads_.JoinAll();
  EXPECT_EQ(log_.Take(), ".a");
}

TEST_F(NotifierThreadsTest, UnregisterWaitsForARunningRollback) {
  chain_.Register(a_);
  absl::Notification returned;
  {
    const Consent no_memory(&chain_, kAllocate);
    a_.inside = [&] {
      threads_.Start("unregister", [&] {
        chain_.Unregister(a_);
        returned.Notify();
      });
      EXPECT_FALSE(returned.WaitForNotificationWithTimeout(kNotYet));
    };
  }
  returned.WaitForNotification();
  EXPECT_EQ(log_.Take(), "+a -a");
}

TEST_F(NotifierThreadsTest, AHandlerGoneByItsOwnHandCanBeWaitedFor) {
  chain_.Register(a_);
  absl::Notification returned;
  a_.inside = [&] {
    EXPECT_TRUE(chain_.Unregister(a_));
    threads_.Start("unregister", [&] {
      EXPECT_FALSE(chain_.Unregister(a_));
      returned.Notify();
    });
    EXPECT_FALSE(returned.WaitForNotificationWithTimeout(kNotYet));
  };
  chain_.Tell(kFree);
  returned.WaitForNotification();
}

TEST_F(NotifierThreadsTest, TwoThreadsInsideMayBothUnregisterTheirHandler) {
  chain_.Register(a_);
  tests::StartBarrier both(2);
  std::atomic<int> took_off{0};
  a_.inside = [&] {
    both.Await();
    if (chain_.Unregister(a_)) took_off.fetch_add(1);
  };
  for (int i = 0; i < 2; ++i) {
    threads_.Start("inside", [&] { chain_.Tell(kFree); });
  }
  threads_.JoinAll();
  EXPECT_EQ(took_off.load(), 1);
  EXPECT_FALSE(chain_.Unregister(a_));
}

TEST_F(NotifierThreadsTest, AReadSectionMayWaitForAHandler) {
  chain_.Register(a_);
  Block(a_);
  absl::Notification returned;
  threads_.Start("unregister", [&] {
    const reclaim::ReadSection section;
    EXPECT_TRUE(chain_.Unregister(a_));
    returned.Notify();
  });
  EXPECT_FALSE(returned.WaitForNotificationWithTimeout(kNotYet));
  leave_.Notify();
  threads_.JoinAll();
}

// Proves by itself that it is registered whenever it runs, and settles its accounts.
class Checked final : public Notifier {
 public:
  bool Agree(const CacheEvent&) override {
    Check();
    const bool veto = calls_.fetch_add(1) % 7 == 0;
    if (!veto) agreed.fetch_add(1);
    return !veto;
  }
  void RollBack(const CacheEvent&) override {
    Check();
    agreed.fetch_sub(1);
  }
  void Notice(const CacheEvent&) override { Check(); }

  std::atomic<bool> registered{false};
  std::atomic<int> violations{0};
  std::atomic<int64_t> agreed{0};  // and neither rolled back

 private:
  void Check() {
    if (!registered.load()) violations.fetch_add(1);
    inside_.fetch_add(1);
    for (int i = 0; i < 20; ++i) {
      if (!registered.load()) violations.fetch_add(1);
    }
    inside_.fetch_sub(1);
  }

  std::atomic<int> calls_{0};
  std::atomic<int> inside_{0};
};

TEST(NotifierStressTest, NoHandlerRunsOutsideItsRegistration) {
  constexpr int kRounds = 2000;
  NotifierChain chain;
  Checked handlers[4];
  Checked always;
  always.registered = true;
  chain.Register(always);
  std::atomic<int64_t> committed{0};
  {
    tests::StartBarrier start(4);
    tests::ThreadGroup threads;
    for (int t = 0; t < 4; ++t) {
      threads.Start("thread", [&, t] {
        Checked& own = handlers[t];
        start.Await();
        for (int round = 0; round < kRounds; ++round) {
          own.registered = true;
          chain.Register(own, t - 2);
          {
            Consent consent(&chain, kAllocate);
            if (consent.granted() && round % 3 != 0) {
              consent.Commit();
              committed.fetch_add(1);
            }
          }
          chain.Tell(kFree);
          if (!chain.Unregister(own)) own.violations.fetch_add(1);
          own.registered = false;
        }
      });
    }
  }
  for (const Checked& handler : handlers) EXPECT_EQ(handler.violations.load(), 0);
  EXPECT_EQ(always.violations.load(), 0);
  EXPECT_GT(committed.load(), 0);
  EXPECT_EQ(always.agreed.load(), committed.load()) << "each agreement is committed or rolled back once";
  EXPECT_TRUE(chain.Unregister(always));
}

}  // namespace
}  // namespace mxa::slab
