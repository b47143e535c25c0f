// SPDX-License-Identifier: Apache-2.0
//
// A quarantine holds the last freed objects, in order, and none that its filter refuses.
#include "slab/debug/quarantine.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class QuarantineTest : public testing::Test {
 protected:
  void* Object(size_t i) { return &memory_[i]; }
  std::vector<void*> TakeAll(Quarantine& quarantine) {
    std::vector<void*> out;
    quarantine.TakeAll(out);
    return out;
  }

  std::array<char, 16> memory_{};
};

TEST_F(QuarantineTest, LetsTheOldestGoWhenItIsFull) {
  Quarantine quarantine(2);
  EXPECT_EQ(quarantine.Push(Object(0)), nullptr);
  EXPECT_EQ(quarantine.Push(Object(1)), nullptr);
  EXPECT_EQ(quarantine.size(), 2u);
  EXPECT_EQ(quarantine.Push(Object(2)), Object(0));
  EXPECT_EQ(quarantine.Push(Object(3)), Object(1));
  EXPECT_EQ(quarantine.size(), 2u);
  EXPECT_THAT(TakeAll(quarantine), ElementsAre(Object(2), Object(3)));
  EXPECT_EQ(quarantine.size(), 0u);
  EXPECT_THAT(TakeAll(quarantine), IsEmpty());
}

TEST_F(QuarantineTest, HoldsNothingWithALimitOfNone) {
  Quarantine quarantine(0);
  EXPECT_EQ(quarantine.Push(Object(0)), Object(0));
  EXPECT_EQ(quarantine.size(), 0u);
}

TEST_F(QuarantineTest, TakesWhatIsAskedForAndKeepsTheOrder) {
  Quarantine quarantine(8);
  for (size_t i = 0; i < 6; ++i) ASSERT_EQ(quarantine.Push(Object(i)), nullptr);
  std::vector<void*> out = {Object(9)};
  quarantine.TakeIf([&](const void* object) { return (static_cast<const char*>(object) - memory_.data()) % 2 == 1; },
                    out);
  EXPECT_THAT(out, ElementsAre(Object(9), Object(1), Object(3), Object(5)));
  EXPECT_THAT(TakeAll(quarantine), ElementsAre(Object(0), Object(2), Object(4)));
}

TEST_F(QuarantineTest, GivesARefusedObjectBackAtOnce) {
  const void* marked = Object(1);
  Quarantine quarantine(1, [&](const void* object) { return object == marked; });
  EXPECT_EQ(quarantine.Push(Object(0)), nullptr);
  EXPECT_EQ(quarantine.Push(Object(1)), Object(1)) << "and nothing falls out for it";
  EXPECT_EQ(quarantine.size(), 1u);
  marked = nullptr;
  EXPECT_EQ(quarantine.Push(Object(1)), Object(0));
  EXPECT_THAT(TakeAll(quarantine), ElementsAre(Object(1)));
}

// Q2: a mark set before TakeIf keeps the object out from then on, whenever the push began.
TEST_F(QuarantineTest, NothingMarkedIsLeftAfterADrainThatRacesWithAPush) {
  for (int round = 0; round < 300; ++round) {
    std::atomic<bool> mark{false};
    Quarantine quarantine(1, [&](const void*) {
      // Relaxed: the quarantine's lock has to be enough.
      const bool marked = mark.load(std::memory_order_relaxed);
      // The drain would come here, were the lock not held.
      for (int i = 0; i < 4; ++i) sched_yield();
      return marked;
    });
    tests::StartBarrier start(2);
    tests::ThreadGroup threads;
    void* refused = nullptr;
    threads.Start("free", [&] {
      start.Await();
      refused = quarantine.Push(Object(0));
    });
    std::vector<void*> drained;
    start.Await();
    mark.store(true, std::memory_order_relaxed);
    quarantine.TakeIf([](const void*) { return true; }, drained);
    threads.JoinAll();
    const size_t left = TakeAll(quarantine).size();
    ASSERT_EQ(left, 0u) << "round " << round;
    ASSERT_EQ(drained.size() + (refused != nullptr ? 1 : 0), 1u) << "round " << round;
  }
}

TEST_F(QuarantineTest, ManyThreadsLoseNothing) {
  std::vector<char> memory(4000);
  Quarantine quarantine(64);
  std::array<std::vector<void*>, 4> out;
  tests::ThreadGroup threads;
  for (size_t t = 0; t < out.size(); ++t) {
    threads.Start("free", [&, t] {
      for (size_t i = t; i < memory.size(); i += out.size()) {
        if (void* object = quarantine.Push(&memory[i])) out[t].push_back(object);
      }
    });
  }
  threads.JoinAll();
  std::vector<void*> all = TakeAll(quarantine);
  EXPECT_EQ(all.size(), 64u);
  for (const auto& part : out) all.insert(all.end(), part.begin(), part.end());
  std::sort(all.begin(), all.end());
  ASSERT_EQ(all.size(), memory.size());
  for (size_t i = 0; i < memory.size(); ++i) ASSERT_EQ(all[i], &memory[i]);
}

using QuarantineDeathTest = QuarantineTest;

TEST_F(QuarantineDeathTest, IsNotDestroyedWithObjects) {
  EXPECT_DEATH(
      {
        Quarantine quarantine(1);
        static_cast<void>(quarantine.Push(Object(0)));
      },
      "quarantine destroyed with objects in it");
}

}  // namespace
}  // namespace mxa::slab
