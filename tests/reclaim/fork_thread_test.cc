// SPDX-License-Identifier: Apache-2.0
//
// No fork comes in the middle of the birth or the end of a thread of the library's, and none of these in the middle of a fork.
#include "reclaim/fork_thread.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/at_point.h"
#include "tests/support/fork_child.h"
#include "tests/support/thread_group.h"

namespace mxa::reclaim {
namespace {

using test::AtPoint;

constexpr auto kAWhile = std::chrono::milliseconds(50);

// Forks, tells that it has, and lets the child end.
void Fork(std::atomic<bool>& forked) {
  EXPECT_EQ(tests::InChild([] { return ""; }), "");
  forked = true;
}

void Nothing(void*) {}

// Runs a thread with `body` and waits for its end.
void RunThread(void (*body)(void*), void* argument) {
  pthread_t thread;
  ASSERT_TRUE(StartThread("mxa-test", body, argument, &thread));
  const OfflineScope offline;
  pthread_join(thread, nullptr);
}

TEST(ForkThreadTest, RunsItsBodyUnderItsNameWithoutSignals) {
  struct Seen {
    std::string name;
    bool blocked = false;
  } seen;
  RunThread(
      [](void* argument) {
        char name[16] = {};
        pthread_getname_np(pthread_self(), name, sizeof(name));
        sigset_t signals;
        pthread_sigmask(SIG_SETMASK, nullptr, &signals);
        *static_cast<Seen*>(argument) = {name, sigismember(&signals, SIGTERM) == 1};
      },
      &seen);
  EXPECT_EQ(seen.name, "mxa-test");
  EXPECT_TRUE(seen.blocked);
}

TEST(ForkThreadTest, AForkWaitsForABirth) {
  std::atomic<bool> forked{false};
  bool too_early = false;
  tests::ThreadGroup threads;
  {
    AtPoint at("fork_thread.born", [&] {
      threads.Start("forker", [&] { Fork(forked); });
      std::this_thread::sleep_for(kAWhile);
      too_early = forked;
    });
    RunThread(&Nothing, nullptr);
  }
  threads.JoinAll();
  EXPECT_FALSE(too_early);
  EXPECT_TRUE(forked);
}

// `thread` says when it is at its end, and stays there until it may end.
void ExpectAForkWaits(pthread_t thread, const std::atomic<bool>& ending, std::atomic<bool>& may_end) {
  const OfflineScope offline;
  while (!ending) std::this_thread::yield();
  std::atomic<bool> forked{false};
  tests::ThreadGroup threads;
  threads.Start("forker", [&] { Fork(forked); });
  std::this_thread::sleep_for(kAWhile);
  EXPECT_FALSE(forked);
  may_end = true;
  threads.JoinAll();
  EXPECT_TRUE(forked);
  pthread_join(thread, nullptr);
}

// What a thread leaves is destroyed at its end.
struct Leaving {
  std::atomic<bool>* ending = nullptr;
  std::atomic<bool>* may_end = nullptr;
  ~Leaving() {
    if (ending == nullptr) return;
    *ending = true;
    while (!*may_end) std::this_thread::yield();
  }
};
thread_local Leaving tls_leaving;

TEST(ForkThreadTest, AForkWaitsForAnEnd) {
  std::atomic<bool> ending{false};
  std::atomic<bool> may_end{false};
  struct {
    std::atomic<bool>* ending;
    std::atomic<bool>* may_end;
  } leaving = {&ending, &may_end};
  pthread_t thread;
  ASSERT_TRUE(StartThread(
      "mxa-test",
      [](void* argument) {
        const auto* left = static_cast<decltype(leaving)*>(argument);
        tls_leaving.may_end = left->may_end;
        tls_leaving.ending = left->ending;
      },
      &leaving, &thread));
  ExpectAForkWaits(thread, ending, may_end);
}

// Of the keys' destructors, later rounds included.
TEST(ForkThreadTest, AForkWaitsForTheLastOfAnEnd) {
  static std::atomic<bool> ending{false};
  static std::atomic<bool> may_end{false};
  static pthread_key_t key;
  ASSERT_EQ(pthread_key_create(&key,
                               [](void* value) {
                                 if (value == &ending) {
                                   pthread_setspecific(key, &may_end);  // comes again in the second round
                                   return;
                                 }
                                 ending = true;
                                 while (!may_end) std::this_thread::yield();
                               }),
            0);
  pthread_t thread;
  ASSERT_TRUE(StartThread(
      "mxa-test", [](void*) { pthread_setspecific(key, &ending); }, nullptr, &thread));
  ExpectAForkWaits(thread, ending, may_end);
}

TEST(ForkThreadTest, BirthsAndEndsWaitForAForkUnderWay) {
  std::atomic<bool> may_end{false};
  std::atomic<bool> ended{false};
  std::atomic<bool> born{false};
  bool too_early = false;
  pthread_t thread;
  ASSERT_TRUE(StartThread(
      "mxa-test",
      [](void* argument) {
        while (!*static_cast<std::atomic<bool>*>(argument)) std::this_thread::yield();
      },
      &may_end, &thread));
  tests::ThreadGroup threads;
  {
    AtPoint at("fork_thread.closed", [&] {
      may_end = true;
      threads.Start("joiner", [&] {
        pthread_join(thread, nullptr);
        ended = true;
      });
      threads.Start("starter", [&] {
        RunThread([](void* argument) { *static_cast<std::atomic<bool>*>(argument) = true; }, &born);
      });
      std::this_thread::sleep_for(kAWhile);
      too_early = ended || born;
    });
    std::atomic<bool> forked{false};
    Fork(forked);
  }
  threads.JoinAll();
  EXPECT_FALSE(too_early);
  EXPECT_TRUE(ended && born);
}

TEST(ForkThreadTest, ThreadsOfTheChildComeAndGo) {
  std::atomic<bool> end{false};
  tests::ThreadGroup threads;
  for (int i = 0; i < 2; ++i) {
    threads.Start("starter", [&] {
      while (!end) RunThread(&Nothing, nullptr);
    });
  }
  std::string fault;
  for (int i = 0; i < 300 && fault.empty(); ++i) {
    fault = tests::InChild([] {
      RunThread(&Nothing, nullptr);
      return "";
    });
  }
  end = true;
  EXPECT_EQ(fault, "");
}

}  // namespace
}  // namespace mxa::reclaim
