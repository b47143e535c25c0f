// SPDX-License-Identifier: Apache-2.0
//
// After a fork the child reads, waits for grace periods and retires, whatever the threads that it has not got were
// doing; and the parent goes on.
#include "reclaim/fork.h"

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "base/schedule_point.h"
#include "gtest/gtest.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "reclaim/retire.h"
#include "tests/support/fork_child.h"
#include "tests/support/thread_group.h"

namespace mxa::reclaim {
namespace {

using tests::InChild;
using tests::ThreadGroup;

// Notes its number when it is called back.
struct Noted : RetireHead {
  static void CallBack(RetireHead* head) {
    auto* noted = static_cast<Noted*>(head);
    noted->order->push_back(noted->number);
  }
  std::vector<int>* order = nullptr;
  int number = 0;
};

void RetireNoted(std::vector<Noted>& heads, std::vector<int>& order, int from, int count) {
  for (int i = from; i < from + count; ++i) {
    Noted& noted = heads[static_cast<size_t>(i)];
    noted.order = &order;
    noted.number = i;
    Retire(&noted, &Noted::CallBack);
  }
}

// Whether `order` is 0, 1, ... count - 1.
std::string CheckOrder(const std::vector<int>& order, int count) {
  if (order.size() != static_cast<size_t>(count)) return "called back: " + std::to_string(order.size());
  for (int i = 0; i < count; ++i) {
    if (order[static_cast<size_t>(i)] != i) return "out of order at " + std::to_string(i);
  }
  const RetireStats stats = GetRetireStats();
  if (stats.called_back != stats.retired) return "the counters differ";
  return "";
}

size_t ThreadsOfThisProcess() {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}));
}

TEST(ForkTest, TheChildDoesNotWaitForReadersOfTheParent) {
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  ThreadGroup threads;
  threads.Start("reader", [&] {
    ReadSection section;
    inside = true;
    while (!leave) std::this_thread::yield();
  });
  while (!inside) std::this_thread::yield();
  EXPECT_EQ(InChild([] {
              Synchronize();
              RetireBarrier();
              return "";
            }),
            "");
  leave = true;
  threads.JoinAll();
  Synchronize();
}

TEST(ForkTest, TheForkingThreadStaysRegisteredInTheChild) {
  { ReadSection section; }
  EXPECT_EQ(InChild([] {
              std::atomic<bool> entered{false};
              std::atomic<bool> left{false};
              std::atomic<bool> too_early{false};
              ThreadGroup threads;
              {
                ReadSection section;
                threads.Start("waiter", [&] {
                  entered = true;
                  Synchronize();
                  too_early = !left;
                });
                while (!entered) std::this_thread::yield();
                for (int i = 0; i < 1000; ++i) std::this_thread::yield();
                left = true;
              }
              threads.JoinAll();
              return too_early ? "a grace period did not wait for the forking thread" : "";
            }),
            "");
}

TEST(ForkTest, ThreadsOfTheChildRegisterAndEnd) {
  EXPECT_EQ(InChild([] {
              for (int round = 0; round < 10; ++round) {
                ThreadGroup threads;
                for (int i = 0; i < 3; ++i) {
                  threads.Start("reader", [] {
                    { ReadSection section; }
                    Synchronize();
                  });
                }
              }
              Synchronize();
              return "";
            }),
            "");
}

TEST(ForkTest, TheChildStartsNoThreadBeforeItRetiresOrWaits) {
  RetireBarrier();
  EXPECT_EQ(InChild([] {
              GetRetireStats();
              { ReadSection section; }
              if (ThreadsOfThisProcess() != 1) return "a thread in a child that does nothing";
              RetireBarrier();
              if (ThreadsOfThisProcess() != 1) return "a thread though nothing was retired";
              Noted noted;
              std::vector<int> order;
              noted.order = &order;
              Retire(&noted, &Noted::CallBack);
              if (ThreadsOfThisProcess() != 2) return "no thread though something was retired";
              RetireBarrier();
              return order.size() == 1 ? "" : "not called back";
            }),
            "");
}

TEST(ForkTest, AChildForksAgain) {
  EXPECT_EQ(InChild([] {
              Synchronize();
              return InChild([] {
                std::vector<Noted> heads(3);
                std::vector<int> order;
                RetireNoted(heads, order, 0, 3);
                const std::string inner = InChild([&] {
                  RetireBarrier();
                  return CheckOrder(order, 3);
                });
                RetireBarrier();
                return inner + CheckOrder(order, 3);
              });
            }),
            "");
}

#if MXA_HOOKS
// The retiring thread stands before its nth grace period until n grace periods are allowed.
std::atomic<int> g_arrived{0};
std::atomic<int> g_allowed{0};

void AwaitAllowance(const char* point) {
  if (std::string(point) != "retire.before_grace_period") return;
  const int arrival = ++g_arrived;
  while (g_allowed < arrival) std::this_thread::yield();
}

// At the fork a batch of three waits for its grace period, `queued` more are behind it; the child retires `later` more.
void ExpectAllInOrder(int queued, int later) {
  RetireBarrier();
  g_arrived = 0;
  g_allowed = 0;
  SetScheduleHandlerForTest(&AwaitAllowance);
  const int of_parent = 4 + queued;
  std::vector<Noted> heads(static_cast<size_t>(of_parent + later));
  std::vector<int> order;
  RetireNoted(heads, order, 0, 1);
  while (g_arrived != 1) std::this_thread::yield();
  RetireNoted(heads, order, 1, 3);
  g_allowed = 1;
  while (g_arrived != 2) std::this_thread::yield();
  RetireNoted(heads, order, 4, queued);
  EXPECT_EQ(InChild([&] {
              g_allowed = 1000;
              RetireNoted(heads, order, of_parent, later);
              RetireBarrier();
              return CheckOrder(order, of_parent + later);
            }),
            "");
  EXPECT_EQ(order.size(), 1u);
  g_allowed = 1000;
  RetireBarrier();
  EXPECT_EQ(CheckOrder(order, of_parent), "");
  SetScheduleHandlerForTest(nullptr);
}

TEST(ForkBatchTest, TheChildTakesOverABatch) { ExpectAllInOrder(0, 0); }
TEST(ForkBatchTest, ABatchComesBeforeWhatTheChildRetires) { ExpectAllInOrder(0, 2); }
TEST(ForkBatchTest, ABatchComesBeforeWhatIsQueuedBehindIt) { ExpectAllInOrder(5, 0); }
TEST(ForkBatchTest, ABatchTheQueueAndTheChildsOwnComeInOrder) { ExpectAllInOrder(5, 2); }
#endif

// Forks until one fork has come in the middle of a batch.
TEST(ForkBatchTest, NothingIsCalledBackTwiceOrNever) {
  bool in_the_middle = false;
  for (int round = 0; round < 200 && !in_the_middle; ++round) {
    constexpr int kCount = 20'000;
    std::vector<Noted> heads(kCount);
    std::vector<int> order;
    order.reserve(kCount);
    std::atomic<int> begun{0};
    struct First : RetireHead {
      std::atomic<int>* begun = nullptr;
    } first;
    first.begun = &begun;
    Retire(&first, [](RetireHead* head) { ++*static_cast<First*>(head)->begun; });
    RetireNoted(heads, order, 0, kCount);
    {
      OfflineScope offline;
      while (begun == 0) std::this_thread::yield();
    }
    const std::string result = InChild([&] {
      const size_t before = order.size();
      RetireBarrier();
      const std::string fault = CheckOrder(order, kCount);
      return !fault.empty() ? fault : before > 0 && before < kCount ? "in the middle" : "";
    });
    in_the_middle = result == "in the middle";
    ASSERT_TRUE(in_the_middle || result.empty()) << result;
    RetireBarrier();
    ASSERT_EQ(CheckOrder(order, kCount), "");
  }
  EXPECT_TRUE(in_the_middle);
}

// Everything at once but the birth and death of threads: Abseil has a lock of its own for these.
TEST(ForkTest, ForksAmongReadersWaitersAndRetirersAtWork) {
  struct Counted : RetireHead {
    std::atomic<uint64_t>* called = nullptr;
  };
  std::atomic<bool> end{false};
  std::atomic<uint64_t> called{0};
  const RetireCallback count = [](RetireHead* head) {
    std::unique_ptr<Counted> counted(static_cast<Counted*>(head));
    ++*counted->called;
  };
  auto retire = [&] {
    auto counted = std::make_unique<Counted>();
    counted->called = &called;
    Retire(counted.release(), count);
  };
  ThreadGroup threads;
  const absl::Cleanup at_end = [&end] { end = true; };  // also when an assertion fails
  tests::StartBarrier all_here(5);
  threads.Start("reader", [&] {
    all_here.Await();
    while (!end) ReadSection section;
  });
  threads.Start("retirer", [&] {
    all_here.Await();
    for (int i = 0; !end; ++i) {
      ReadSection section;
      retire();
      if (i % 64 == 0) std::this_thread::yield();
    }
  });
  threads.Start("waiter", [&] {
    all_here.Await();
    while (!end) Synchronize();
  });
  threads.Start("barrier", [&] {
    all_here.Await();
    while (!end) RetireBarrier();
  });
  all_here.Await();
  for (int round = 0; round < 20; ++round) {
    ASSERT_EQ(InChild([&] {
                const uint64_t called_before = called;
                const RetireStats before = GetRetireStats();
                { ReadSection section; }
                retire();
                std::thread([&] { retire(); }).join();
                Synchronize();
                RetireBarrier();
                const RetireStats after = GetRetireStats();
                if (after.retired != before.retired + 2 || after.called_back != after.retired) return "the counters";
                return called - called_before == after.called_back - before.called_back ? "" : "the calls";
              }),
              "");
  }
  end = true;
  threads.JoinAll();
  RetireBarrier();
  EXPECT_EQ(GetRetireStats().called_back, GetRetireStats().retired);
}

class ForkDeathTest : public testing::Test {
 protected:
  ForkDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(ForkDeathTest, InsideAReadSection) {
  EXPECT_DEATH(
      {
        ReadSection section;
        fork();
      },
      "fork inside a read section");
}

TEST_F(ForkDeathTest, InsideACallback) {
  EXPECT_DEATH(
      {
        RetireHead head;
        Retire(&head, [](RetireHead*) { fork(); });
        RetireBarrier();
      },
      "fork under an array lock or inside a callback");
}

TEST_F(ForkDeathTest, UnderAnArrayLock) {
  EXPECT_DEATH(
      {
        Synchronize();
        ArrayLockScope lock;
        fork();
      },
      "fork under an array lock or inside a callback");
}

TEST_F(ForkDeathTest, DuringATurn) {
  EXPECT_DEATH(
      {
        RetireBarrier();
        const RetireTurn turn;
        fork();
      },
      "fork during a turn of the retiring thread's");
}

TEST_F(ForkDeathTest, AStageWithTwoOwners) {
  EXPECT_DEATH(
      {
        RetireBarrier();
        SetForkHandlers(ForkStage::kQueue, {});
      },
      "a fork stage has two owners");
}

}  // namespace
}  // namespace mxa::reclaim
