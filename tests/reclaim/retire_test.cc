// SPDX-License-Identifier: Apache-2.0
//
// Retired work is called back once, after a grace period (R1), in order (R2), and before a barrier ends (R3).
#include "reclaim/retire.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"

namespace mxa::reclaim {
namespace {

// Notes its number in `order`. Callbacks run one at a time, and the barrier publishes what they did.
struct Noted : RetireHead {
  static void CallBack(RetireHead* head) {
    auto* noted = static_cast<Noted*>(head);
    noted->order->push_back(noted->number);
  }
  std::vector<size_t>* order = nullptr;
  size_t number = 0;
};

TEST(RetireTest, CallsBackInOrder) {
  std::vector<size_t> order;
  std::vector<Noted> heads(1000);
  for (size_t i = 0; i < heads.size(); ++i) {
    heads[i].order = &order;
    heads[i].number = i;
    Retire(&heads[i], &Noted::CallBack);
    if (i % 100 == 0) std::this_thread::yield();
  }
  RetireBarrier();
  ASSERT_EQ(order.size(), heads.size());
  for (size_t i = 0; i < order.size(); ++i) ASSERT_EQ(order[i], i);
}

TEST(RetireTest, ACallbackMayFreeItsHead) {
  struct Counted : RetireHead {
    static void Free(RetireHead* head) { delete static_cast<Counted*>(head); }
    ~Counted() { freed->fetch_add(1); }
    std::atomic<int>* freed = nullptr;
  };
  std::atomic<int> freed{0};
  for (int i = 0; i < 100; ++i) {
    auto counted = std::make_unique<Counted>();
    counted->freed = &freed;
    Retire(counted.release(), &Counted::Free);
  }
  RetireBarrier();
  EXPECT_EQ(freed, 100);
}

// The callback looks whether the reader is past its last statement: no wait proves that nothing happened, the callback
// itself does.
TEST(RetireTest, NothingIsCalledBackWhileASectionOfBeforeIsOpen) {
  struct Proof : RetireHead {
    static void CallBack(RetireHead* head) {
      auto* proof = static_cast<Proof*>(head);
      if (!*proof->leaving) proof->too_early->fetch_add(1);
    }
    std::atomic<bool>* leaving = nullptr;
    std::atomic<int>* too_early = nullptr;
  };
  std::atomic<int> too_early{0};
  for (int round = 0; round < 50; ++round) {
    std::atomic<bool> inside{false};
    std::atomic<bool> retired{false};
    std::atomic<bool> leaving{false};
    std::thread reader([&] {
      ReadSection section;
      inside = true;
      while (!retired) std::this_thread::yield();
      for (int i = 0; i < 100; ++i) std::this_thread::yield();
      leaving = true;
    });
    while (!inside) std::this_thread::yield();
    std::vector<Proof> proofs(10);
    for (Proof& proof : proofs) {
      proof.leaving = &leaving;
      proof.too_early = &too_early;
      Retire(&proof, &Proof::CallBack);
      std::this_thread::yield();
    }
    retired = true;
    RetireBarrier();
    OfflineScope offline;
    reader.join();
  }
  EXPECT_EQ(too_early, 0);
}

TEST(RetireTest, ABarrierWaitsForEachThreadsOwn) {
  struct Done : RetireHead {
    static void CallBack(RetireHead* head) { static_cast<Done*>(head)->done = true; }
    std::atomic<bool> done{false};
  };
  std::atomic<int> missed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 100; ++round) {
        std::vector<Done> heads(3);
        for (Done& head : heads) Retire(&head, &Done::CallBack);
        RetireBarrier();
        for (const Done& head : heads) missed += head.done ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(missed, 0);
}

struct Chain : RetireHead {
  static void CallBack(RetireHead* head) {
    auto* chain = static_cast<Chain*>(head);
    chain->calls.fetch_add(1);
    if (--chain->left > 0) Retire(chain, &Chain::CallBack);
  }
  int left = 0;
  std::atomic<int> calls{0};
};

TEST(RetireTest, ACallbackMayRetireAgain) {
  Chain chain;
  chain.left = 5;
  Retire(&chain, &Chain::CallBack);
  for (int calls = 1; calls <= 5; ++calls) {
    RetireBarrier();
    EXPECT_GE(chain.calls, calls) << "each barrier waits for what was retired before it";
  }
  RetireBarrier();
  EXPECT_EQ(chain.calls, 5);
}

TEST(RetireTest, MayBeCalledInASectionAndUnderAnArrayLock) {
  std::vector<size_t> order;
  Noted noted;
  noted.order = &order;
  {
    ReadSection section;
    ArrayLockScope lock;
    Retire(&noted, &Noted::CallBack);
    EXPECT_TRUE(order.empty());
  }
  RetireBarrier();
  EXPECT_EQ(order.size(), 1u);
}

TEST(RetireTest, CallbacksRunOnOneThreadAndMayNotReclaim) {
  struct Look : RetireHead {
    static void CallBack(RetireHead* head) {
      auto* look = static_cast<Look*>(head);
      look->thread = std::this_thread::get_id();
      look->may_reclaim = MayReclaim();
      look->in_section = InReadSection();
    }
    std::thread::id thread;
    bool may_reclaim = true;
    bool in_section = true;
  };
  std::vector<Look> looks(3);
  for (Look& look : looks) {
    Retire(&look, &Look::CallBack);
    RetireBarrier();
    EXPECT_FALSE(look.may_reclaim);
    EXPECT_FALSE(look.in_section);
    EXPECT_EQ(look.thread, looks[0].thread);
    EXPECT_NE(look.thread, std::this_thread::get_id());
  }
}

TEST(RetireTest, CountsInAndOut) {
  RetireBarrier();
  const RetireStats before = GetRetireStats();
  std::vector<size_t> order;
  std::vector<Noted> heads(10);
  {
    ReadSection section;
    for (Noted& head : heads) {
      head.order = &order;
      Retire(&head, &Noted::CallBack);
    }
    EXPECT_EQ(GetRetireStats().retired, before.retired + 10);
    EXPECT_EQ(GetRetireStats().called_back, before.called_back);
  }
  RetireBarrier();
  const RetireStats after = GetRetireStats();
  EXPECT_EQ(after.called_back, after.retired);
  EXPECT_GE(after.batches, before.batches + 1);
  EXPECT_LE(after.batches, before.batches + 10);
}

TEST(RetireTurnTest, IsToBeHadWhenAllHasBeenCalledBack) {
  RetireBarrier();
  std::vector<size_t> order;
  Noted noted;
  noted.order = &order;
  {
    ReadSection section;
    Retire(&noted, &Noted::CallBack);
    const RetireTurn turn;
    EXPECT_FALSE(turn.taken());
  }
  RetireBarrier();
  const RetireTurn turn;
  EXPECT_TRUE(turn.taken());
  const RetireTurn another;
  EXPECT_FALSE(another.taken());
}

TEST(RetireTurnTest, NothingIsCalledBackDuringIt) {
  RetireBarrier();
  std::vector<size_t> order;
  std::vector<Noted> heads(3);
  std::atomic<bool> ending{false};
  std::atomic<bool> too_early{false};
  std::thread waiter;
  {
    const RetireTurn turn;
    ASSERT_TRUE(turn.taken());
    for (size_t i = 0; i < heads.size(); ++i) {
      heads[i].order = &order;
      heads[i].number = i;
      Retire(&heads[i], &Noted::CallBack);
    }
    waiter = std::thread([&] {
      RetireBarrier();
      too_early = !ending;
    });
    Synchronize();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_TRUE(order.empty());
    ending = true;
  }
  OfflineScope offline;
  waiter.join();
  EXPECT_FALSE(too_early);
  EXPECT_EQ(order, (std::vector<size_t>{0, 1, 2}));
}

TEST(RetireTurnTest, ManyTakeTurnsAmongRetirers) {
  constexpr int kRounds = 500;
  struct Counted : RetireHead {
    std::atomic<int>* inside = nullptr;
    std::atomic<int>* called = nullptr;
  };
  std::atomic<int> inside{0};  // a turn, or a callback
  std::atomic<int> overlaps{0};
  std::atomic<int> called{0};
  std::vector<Counted> heads(2 * kRounds);
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < 2; ++thread) {
    threads.emplace_back([&, thread] {
      for (size_t i = 0; i < kRounds; ++i) {
        Counted& head = heads[thread * kRounds + i];
        head.inside = &inside;
        head.called = &called;
        Retire(&head, [](RetireHead* retired) {
          auto* counted = static_cast<Counted*>(retired);
          // While it stands, nobody else may be inside.
          if (counted->inside->fetch_add(1) == 0) counted->called->fetch_add(1);
          counted->inside->fetch_sub(1);
        });
      }
    });
    threads.emplace_back([&] {
      for (int turns = 0, tries = 0; turns == 0 || tries < kRounds; ++tries) {
        const RetireTurn turn;
        if (turn.taken()) {
          ++turns;
          overlaps += inside.fetch_add(1) == 0 ? 0 : 1;
          std::this_thread::yield();
          inside.fetch_sub(1);
        } else {
          std::this_thread::yield();
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    OfflineScope offline;
    thread.join();
  }
  RetireBarrier();
  EXPECT_EQ(overlaps, 0);
  EXPECT_EQ(called, 2 * kRounds);
}

TEST(RetireTest, ABarrierWithNothingRetiredReturns) {
  RetireBarrier();
  RetireBarrier();
}

class RetireDeathTest : public testing::Test {
 protected:
  RetireDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(RetireDeathTest, BarrierInsideASection) {
  EXPECT_DEATH(
      {
        ReadSection section;
        RetireBarrier();
      },
      "waiting for retired objects inside a read section");
}

TEST_F(RetireDeathTest, BarrierUnderAnArrayLock) {
  EXPECT_DEATH(
      {
        ArrayLockScope lock;
        RetireBarrier();
      },
      "under an array lock or inside a callback");
}

TEST_F(RetireDeathTest, BarrierInsideACallback) {
  EXPECT_DEATH(
      {
        RetireHead head;
        Retire(&head, [](RetireHead*) { RetireBarrier(); });
        RetireBarrier();
      },
      "under an array lock or inside a callback");
}

TEST_F(RetireDeathTest, ACallbackLeavesItsSectionOpen) {
  EXPECT_DEATH(
      {
        RetireHead head;
        Retire(&head, [](RetireHead*) { internal::EnterReadSection(); });
        RetireBarrier();
        RetireHead next;
        Retire(&next, [](RetireHead*) {});
        RetireBarrier();
      },
      "inside a read section");
}

}  // namespace
}  // namespace mxa::reclaim
