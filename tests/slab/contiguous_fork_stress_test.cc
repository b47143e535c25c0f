// SPDX-License-Identifier: Apache-2.0
//
// Forks among requests, each of which is a thread that comes and goes: the child starts threads of its own.
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "reclaim/retire.h"
#include "slab/arena.h"
#include "slab/contiguous.h"
#include "tests/support/fork_child.h"
#include "tests/support/stubborn_table.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

constexpr size_t kSlots = 2 * kUnitsPerRegion * 64;

TEST(ContiguousForkStressTest, TheChildStartsThreads) {
  auto arena = Arena::Create({.reserve_bytes = 2 * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  test::StubbornTable table(*arena, kSlots);
  ASSERT_EQ(table.Fill(), kSlots);
  std::atomic<bool> end{false};
  std::atomic<uint64_t> requests{0};
  std::atomic<int> ready{0};
  tests::ThreadGroup threads;
  for (int i = 0; i < 3; ++i) {
    threads.Start("asker", [&] {
      for (uint64_t asked = 0; !end; ++asked) {
        EXPECT_FALSE(AllocateContiguous(*arena, kRegionSize, absl::Now() + absl::Seconds(5)).verdict.granted());
        ready += asked == 0 ? 1 : 0;
        ++requests;
      }
    });
  }
  // What each asker needs to wait, Abseil has handed out by then.
  while (ready < 3) std::this_thread::yield();
  std::string fault;
  for (int i = 0; i < 2000 && fault.empty(); ++i) {
    fault = tests::InChild([] {
      reclaim::RetireHead head;
      reclaim::Retire(&head, [](reclaim::RetireHead*) {});
      reclaim::RetireBarrier();
      return "";
    });
  }
  end = true;
  threads.JoinAll();
  EXPECT_EQ(fault, "");
  EXPECT_GT(requests, 100u);
}

}  // namespace
}  // namespace mxa::slab
