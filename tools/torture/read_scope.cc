// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/read_scope.h"

#include <sched.h>

#include <atomic>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "base/planted_bug.h"
#include "reclaim/rcu.h"
#include "tools/mxa/clock.h"
#include "tools/torture/threads.h"

namespace mxa::torture {

ReadScope::ReadScope() { Enter(); }

ReadScope::~ReadScope() { Leave(); }

void ReadScope::Enter() {
  ThreadRecord& self = ThisThread();
  MXA_CHECK(self.section() % 2 == 0, "read scopes do not nest");
  entered_ = !PlantedBugIs(PlantedBug::kUnregisteredReader);
  if (entered_) reclaim::internal::EnterReadSection();
  std::atomic_signal_fence(std::memory_order_seq_cst);  // the number is odd inside the section only
  self.NextSection();
}

void ReadScope::Leave() {
  ThisThread().NextSection();
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (entered_) reclaim::internal::LeaveReadSection();
}

void ReadScope::Renew() {
  Leave();
  Enter();
}

void ReadScope::Hold(tool::Random& random) {
  const bool split = entered_ && PlantedBugIs(PlantedBug::kSplitReadSection);
  if (split) reclaim::internal::LeaveReadSection();
  const uint64_t chance = random.Below(4096);
  if (chance == 0) {
    Delay(random, 4'000'000);
  } else if (chance < 64) {
    Delay(random, 100'000);
  } else if (chance < 512) {
    Delay(random, 3'000);
  } else if (chance < 576) {
    sched_yield();
  }
  if (split) reclaim::internal::EnterReadSection();
}

void Delay(tool::Random& random, uint64_t most_ns) {
  const uint64_t ns = random.Below(most_ns);
  if (ns >= 50'000) {
    absl::SleepFor(absl::Nanoseconds(ns));
    return;
  }
  const uint64_t end = tool::NowNs() + ns;
  while (tool::NowNs() < end) continue;
}

}  // namespace mxa::torture
