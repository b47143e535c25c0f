// SPDX-License-Identifier: Apache-2.0
//
// How a pass waits for its grace periods: itself, in the retiring thread's turn, as long as they are short and nothing is
// before it; and what it does not do meanwhile.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "reclaim/retire.h"
#include "slab/cache.h"
#include "slab/pass_waits.h"
#include "tests/support/handle_table.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

using test::HandleTable;
using Clock = std::chrono::steady_clock;

constexpr size_t kItems = 20'000;
constexpr auto kEverything = CompactOptions::Mode::kMoveEverything;

class PassWaitTest : public testing::Test {
 protected:
  PassWaitTest() {
    for (size_t i = 0; i < kItems; ++i) EXPECT_TRUE(table_.Create(i));
    table_.cache().FreeRcuBarrier();
  }
  ~PassWaitTest() override {
    for (size_t i = 0; i < kItems; ++i) EXPECT_TRUE(table_.Read(i)) << i;
    EXPECT_EQ(table_.violations(), 0u);
    EXPECT_TRUE(table_.cache().CheckInvariants().ok()) << table_.cache().CheckInvariants();
  }
  HandleTable table_{{.slots = kItems}};
};

TEST_F(PassWaitTest, WaitsItselfWhenNothingElseIsRetired) {
  const uint64_t before = reclaim::GetRetireStats().retired;
  const CompactStats pass = table_.cache().Compact({.mode = kEverything, .batch_objects = 500}).value();
  EXPECT_GT(pass.batches, 5u);
  EXPECT_EQ(pass.grace_periods, pass.batches);
  // A grace period that a busy machine makes long has the next batches handed over.
  EXPECT_LT(reclaim::GetRetireStats().retired - before, pass.batches);
}

TEST_F(PassWaitTest, HandsItsBatchOverBehindWhatIsRetiredBefore) {
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  tests::ThreadGroup threads;
  threads.Start("reader", [&] {
    const reclaim::ReadSection section;
    inside = true;
    while (!leave) std::this_thread::yield();
  });
  while (!inside) std::this_thread::yield();
  struct Called : reclaim::RetireHead {
    std::atomic<bool> called{false};
  } before;
  reclaim::Retire(&before, [](reclaim::RetireHead* head) { static_cast<Called*>(head)->called = true; });
  const uint64_t retired = reclaim::GetRetireStats().retired;
  std::atomic<bool> late{false};
  threads.Start("pass", [&] {
    EXPECT_TRUE(table_.cache().Compact({.mode = kEverything, .batch_objects = 500}).ok());
    late = !before.called;
  });
  while (reclaim::GetRetireStats().retired == retired) std::this_thread::yield();
  leave = true;
  threads.JoinAll();
  EXPECT_FALSE(late);
}

TEST_F(PassWaitTest, DoesNotEndBeforeAReaderOfAnOldPlace) {
  std::atomic<bool> done{false};
  tests::ThreadGroup threads;
  {
    const reclaim::ReadSection section;
    const test::Item* const old = table_.Peek(0);
    threads.Start("pass", [&] {
      // All in one batch: it would wait with the first one, which may not be that object's.
      EXPECT_TRUE(table_.cache().Compact({.mode = kEverything, .batch_objects = 2 * kItems}).ok());
      done = true;
    });
    while (table_.Peek(0) == old) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(done);
  }
  threads.JoinAll();
  EXPECT_TRUE(done);
}

// Each wait of a pass was a new slice once, none of which was ever used up.
TEST_F(PassWaitTest, KeepsToItsDutyThoughItWaitsOften) {
  const Clock::time_point start = Clock::now();
  const CompactStats pass = table_.cache()
                                .Compact({.mode = kEverything,
                                          .batch_objects = 300,
                                          .most_batch_objects = 300,
                                          .slice_ns = 100'000,
                                          .duty_percent = 10})
                                .value();
  const double elapsed = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
  ASSERT_GT(pass.batches, 20u);
  EXPECT_GE(elapsed, 9.5 * static_cast<double>(pass.work_ns - pass.longest_slice_ns));
}

TEST(PassWaitsTest, HandsOverForAWhileAfterALongWait) {
  PassWaits waits;
  EXPECT_TRUE(waits.WaitsItself(10, false));
  waits.Waited(PassWaits::kLongNs);
  EXPECT_TRUE(waits.WaitsItself(10, false));
  waits.Waited(PassWaits::kLongNs + 1);
  for (unsigned i = 0; i < PassWaits::kHandedOver; ++i) EXPECT_FALSE(waits.WaitsItself(10, false));
  EXPECT_TRUE(waits.WaitsItself(10, false));
}

TEST(PassWaitsTest, HandsOverWhatTakesLongToGiveBack) {
  PassWaits waits;
  EXPECT_TRUE(waits.WaitsItself(PassWaits::kMostKept, false));
  EXPECT_FALSE(waits.WaitsItself(PassWaits::kMostKept + 1, false));
  EXPECT_TRUE(waits.WaitsItself(PassWaits::kMostGivenBack, true));
  EXPECT_FALSE(waits.WaitsItself(PassWaits::kMostGivenBack + 1, true));
}

}  // namespace
}  // namespace mxa::slab
