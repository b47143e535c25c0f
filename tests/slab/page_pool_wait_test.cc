// SPDX-License-Identifier: Apache-2.0
//
// Who waits for the reserve gets the first run that fits, in turn, or comes back empty-handed in time; no wakeup and no
// run is lost.
#include <atomic>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "slab/page_pool.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

// Long enough to mean "the test hangs" when it passes.
constexpr absl::Duration kForever = absl::Minutes(10);

class PagePoolWaitTest : public testing::Test {
 protected:
  ~PagePoolWaitTest() override {
    threads_.JoinAll();
    EXPECT_TRUE(pool_->CheckInvariants().ok()) << pool_->CheckInvariants();
    EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
    EXPECT_EQ(pool_->Stats().held_units, 8u) << "whole again";
    EXPECT_EQ(pool_->Stats().waiters, 0u);
  }

  // Starts a thread that waits for `units`, and returns when it waits. Its run is in `got` after the join.
  void StartWaiter(size_t units, Slab** got) {
    const size_t before = pool_->Stats().waiters;
    threads_.Start("waiter", [this, units, got] { *got = pool_->TakeWaiting(units, kForever); });
    while (pool_->Stats().waiters == before) std::this_thread::yield();
  }

  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  std::unique_ptr<PagePool> pool_ =
      PagePool::Create({.name = "io", .arena = arena_.get(), .min_units = 8, .largest_run_units = 8}).value();
  tests::ThreadGroup threads_;
};

TEST_F(PagePoolWaitTest, DoesNotWaitForWhatIsThere) {
  Slab* run = pool_->TakeWaiting(8, absl::ZeroDuration());
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(pool_->TakeWaiting(1, absl::ZeroDuration()), nullptr);
  EXPECT_EQ(pool_->TakeWaiting(1, -absl::Seconds(1)), nullptr);
  EXPECT_EQ(pool_->Stats().waits, 0u);
  pool_->Put(run);
}

TEST_F(PagePoolWaitTest, GivesUpWhenTheTimeIsOver) {
  Slab* run = pool_->Take(8);
  const absl::Time start = absl::Now();
  EXPECT_EQ(pool_->TakeWaiting(1, absl::Milliseconds(20)), nullptr);
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(15));
  EXPECT_EQ(pool_->Stats().waits, 1u);
  EXPECT_EQ(pool_->Stats().timeouts, 1u);
  EXPECT_EQ(pool_->Stats().waiters, 0u);
  pool_->Put(run);
}

TEST_F(PagePoolWaitTest, APutOfAnotherThreadEndsTheWait) {
  Slab* run = pool_->Take(8);
  std::memset(run->objects, 0xab, 8 * kUnitSize);
  Slab* got = nullptr;
  StartWaiter(8, &got);
  pool_->Put(run);
  threads_.JoinAll();
  ASSERT_EQ(got, run);
  EXPECT_EQ(got->units, 8);
  EXPECT_EQ(got->objects[8 * kUnitSize - 1], 0);
  EXPECT_EQ(pool_->Stats().timeouts, 0u);
  pool_->Put(got);
}

TEST_F(PagePoolWaitTest, ServesEqualWaitersInTurn) {
  std::vector<Slab*> runs;
  for (int i = 0; i < 4; ++i) runs.push_back(pool_->Take(2));
  std::vector<Slab*> got(3);
  for (Slab*& mine : got) StartWaiter(2, &mine);
  for (size_t i = 0; i < got.size(); ++i) {
    pool_->Put(runs[i]);
    EXPECT_EQ(pool_->Take(1), nullptr) << "handed over, not up for grabs";
    EXPECT_EQ(pool_->Stats().waiters, got.size() - i - 1);
  }
  threads_.JoinAll();
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i], runs[i]) << "waiter " << i;
    pool_->Put(got[i]);
  }
  pool_->Put(runs[3]);
}

TEST_F(PagePoolWaitTest, ARunGoesToTheFirstWaiterItFits) {
  std::vector<Slab*> runs;
  for (int i = 0; i < 8; ++i) runs.push_back(pool_->Take(1));
  Slab* large = nullptr;
  Slab* small = nullptr;
  StartWaiter(2, &large);
  StartWaiter(1, &small);
  pool_->Put(runs[0]);
  EXPECT_EQ(pool_->Stats().waiters, 1u) << "too small for the first, right for the second";
  pool_->Put(runs[3]);
  pool_->Put(runs[4]);
  EXPECT_EQ(pool_->Stats().waiters, 1u) << "neighbours, but no buddies";
  EXPECT_TRUE(pool_->CheckInvariants().ok()) << pool_->CheckInvariants();
  pool_->Put(runs[2]);
  threads_.JoinAll();
  EXPECT_EQ(large, runs[2]);
  EXPECT_EQ(small, runs[0]);
  for (const int i : {1, 5, 6, 7}) pool_->Put(runs[i]);
  pool_->Put(large);
  pool_->Put(small);
}

TEST_F(PagePoolWaitTest, OnePutServesAllWhomItFits) {
  Slab* run = pool_->Take(8);
  std::vector<Slab*> got(3);
  StartWaiter(4, &got[0]);
  StartWaiter(1, &got[1]);
  StartWaiter(2, &got[2]);
  pool_->Put(run);
  EXPECT_EQ(pool_->Stats().waiters, 0u);
  threads_.JoinAll();
  for (Slab* mine : got) pool_->Put(mine);
}

TEST_F(PagePoolWaitTest, RefillAndOfferServeWaiters) {
  Slab* run = pool_->Take(8);
  Slab* ordinary = arena_->AllocateRun(8);
  // Nothing is to be kept, so only the waiters make the pool ask and accept.
  ASSERT_TRUE(pool_->Resize(0).ok());
  std::vector<Slab*> got(3);
  StartWaiter(8, &got[0]);
  std::vector<Slab*> offered{ordinary};
  EXPECT_TRUE(pool_->Offer(offered));
  StartWaiter(4, &got[1]);
  StartWaiter(8, &got[2]);
  EXPECT_TRUE(pool_->Refill().ok());
  threads_.JoinAll();
  EXPECT_EQ(got[0], ordinary);
  for (Slab* mine : got) {
    ASSERT_NE(mine, nullptr);
    pool_->Put(mine);
  }
  pool_->Put(run);
  EXPECT_EQ(arena_->units_held(), 0u);
  ASSERT_TRUE(pool_->Resize(8).ok());
}

// The reserve holds as much as is waited for, but not in one piece.
TEST_F(PagePoolWaitTest, RefillServesAWaiterThatTheScatteredReserveCannot) {
  std::vector<Slab*> runs;
  for (int i = 0; i < 8; ++i) runs.push_back(pool_->Take(1));
  ASSERT_TRUE(pool_->Resize(0).ok());
  for (const size_t i : {1, 2}) pool_->Put(runs[i]);
  Slab* got = nullptr;
  StartWaiter(2, &got);
  EXPECT_TRUE(pool_->Refill().ok());
  EXPECT_EQ(pool_->Stats().waiters, 0u);
  for (const size_t i : {0, 3, 4, 5, 6, 7}) pool_->Put(runs[i]);
  threads_.JoinAll();
  ASSERT_NE(got, nullptr);
  pool_->Put(got);
  ASSERT_TRUE(pool_->Resize(8).ok());
}

// A target of nothing: what comes back is surplus, but those who wait come first.
TEST_F(PagePoolWaitTest, WaitersComeBeforeTheArena) {
  Slab* run = pool_->Take(8);
  ASSERT_TRUE(pool_->Resize(0).ok());
  Slab* got = nullptr;
  StartWaiter(2, &got);
  pool_->Put(run);
  threads_.JoinAll();
  ASSERT_NE(got, nullptr);
  pool_->Put(got);
  EXPECT_EQ(arena_->units_held(), 0u);
  ASSERT_TRUE(pool_->Resize(8).ok());
}

// Each thread waits without end for what another holds: a single lost wakeup hangs the test, a lost run too.
TEST_F(PagePoolWaitTest, NoWakeupIsLost) {
  for (int i = 0; i < 4; ++i) {
    threads_.Start("taker", [this, i] {
      for (int round = 0; round < 300; ++round) {
        Slab* run = pool_->TakeWaiting(i == 0 ? 8 : 4, kForever);
        ASSERT_NE(run, nullptr);
        ASSERT_EQ(run->objects[0], 0);
        run->objects[0] = 1;
        pool_->Put(run);
      }
    });
  }
  threads_.JoinAll();
  EXPECT_EQ(pool_->Stats().takes, 4u * 300u);
}

// Timeouts so short that many end just as a run is handed over.
TEST_F(PagePoolWaitTest, NoRunIsLostToATimeout) {
  std::atomic<uint64_t> failed{0};
  for (int i = 0; i < 4; ++i) {
    threads_.Start("taker", [this, i, &failed] {
      for (int round = 0; round < 300; ++round) {
        Slab* run = pool_->TakeWaiting(8, absl::Microseconds(20 * i + 1));
        // Relaxed: only summed, and read after the join.
        if (run == nullptr) {
          failed.fetch_add(1, std::memory_order_relaxed);
        } else {
          pool_->Put(run);
        }
      }
    });
  }
  threads_.JoinAll();
  EXPECT_EQ(pool_->Stats().timeouts, failed.load(std::memory_order_relaxed));
  EXPECT_EQ(pool_->Stats().takes, 4u * 300u - failed.load(std::memory_order_relaxed));
}

// Every function at once: what is sound at rest must have been so all the time for the others to work.
TEST_F(PagePoolWaitTest, EverythingAtOnce) {
  // However many of them come back empty-handed: on a busy machine that may be most.
  std::atomic<int> takers{2};
  for (int i = 0; i < 2; ++i) {
    threads_.Start("taker", [this, &takers, i] {
      for (int round = 0; round < 400; ++round) {
        const size_t units = size_t{1} << (round + i) % 4;
        Slab* run = pool_->TakeWaiting(units, absl::Milliseconds(1));
        if (run == nullptr) continue;
        EXPECT_EQ(run->objects[units * kUnitSize - 1], 0);
        run->objects[units * kUnitSize - 1] = 1;
        pool_->Put(run);
      }
      // Relaxed, here and below: nothing but the end of the loop hangs on it.
      takers.fetch_sub(1, std::memory_order_relaxed);
    });
  }
  threads_.Start("owner", [this, &takers] {
    for (size_t round = 0; takers.load(std::memory_order_relaxed) != 0; ++round) {
      EXPECT_TRUE(pool_->Resize(round % 3 * 8).ok());
      std::vector<Slab*> runs;
      if (Slab* run = arena_->AllocateRun(8); run != nullptr) runs.push_back(run);
      pool_->Offer(runs);
      arena_->FreeRuns(runs);
      EXPECT_TRUE(pool_->CheckInvariants().ok()) << pool_->CheckInvariants();
      EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
    }
    EXPECT_TRUE(pool_->Resize(8).ok());
  });
  threads_.JoinAll();
}

class PagePoolWaitDeathTest : public PagePoolWaitTest {
 protected:
  PagePoolWaitDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(PagePoolWaitDeathTest, NobodyWaitsWhereWaitingIsForbidden) {
  EXPECT_DEATH(
      {
        reclaim::NoReclaimScope scope;
        pool_->TakeWaiting(1, kForever);
      },
      "waiting is forbidden");
  EXPECT_DEATH(
      {
        reclaim::ReadSection section;
        pool_->TakeWaiting(1, kForever);
      },
      "read section");
}

}  // namespace
}  // namespace mxa::slab
