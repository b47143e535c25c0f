// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/perturbation.h"

#include <sched.h>

#include <atomic>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "base/check.h"
#include "base/lock_step.h"
#include "reclaim/context.h"
#include "tools/mxa/random.h"
#include "tools/torture/grace_oracle.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/threads.h"

namespace mxa::torture {
namespace {

constexpr uint64_t kPriorities = 8;
constexpr uint64_t kPointsToChange = 5000;  // at most, between two change points of a thread

// Set while nobody else runs.
Errors* g_errors = nullptr;
bool g_delays = false;
uint64_t g_seed = 0;
std::atomic<uint64_t> g_generation{0};  // of the perturbation; a thread's state belongs to one
std::atomic<uint64_t> g_next_thread{0};

struct ThreadState {
  uint64_t generation = 0;
  tool::Random random{0};
  uint64_t priority = 0;
  uint64_t points_left = 0;
};
thread_local ThreadState tls_state;
thread_local SectionSnapshot tls_open;  // when the grace period began that this thread waits for

ThreadState& StateOfThread() {
  ThreadState& state = tls_state;
  const uint64_t generation = g_generation.load(std::memory_order_relaxed);
  if (state.generation != generation) {
    state = {generation, tool::Random(g_seed + g_next_thread.fetch_add(1, std::memory_order_relaxed)), 0, 0};
  }
  return state;
}

void DelayAt(const char* point) {
  ThreadState& state = StateOfThread();
  tool::Random& random = state.random;
  if (state.points_left-- == 0) {
    state.points_left = random.Below(kPointsToChange);
    state.priority = random.Below(kPriorities);
    Count(Figure::kChangePoints);
  }
  const uint64_t one_in = state.priority == 0 ? 4 : Perturbation::IsNarrow(point) ? 8 : 128;
  if (!random.OneIn(one_in)) return;
  Count(Figure::kDelays);
  switch (random.Below(16)) {
    case 0:
      return Delay(random, 300'000);
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
      return Delay(random, 8'000);
    default:
      sched_yield();
  }
}

}  // namespace

void LookAtGracePeriod(const char* point, Errors& errors) {
  ThisThread().At(point, reclaim::tls_context.array_locks);
  if (std::strncmp(point, "rcu.", 4) != 0) return;
  if (absl::string_view(point) == "rcu.before_grace_period") {
    tls_open = SectionSnapshot::Take();
  } else if (absl::string_view(point) == "rcu.after_grace_period") {
    tls_open.CheckPassed(errors, "a grace period of the library");
    Count(Figure::kGracePeriods);
  }
}

bool Perturbation::IsNarrow(const char* point) {
  static constexpr absl::string_view kNarrow[] = {
      "mover.",   "value_mover.", "detach.", "store.before_publish", "store_order.", "split.",  "retire.",
      "recycle.", "rcu.",         "load.",   "cursor.head",          "node.",        "planted."};
  for (const absl::string_view prefix : kNarrow) {
    if (absl::StartsWith(point, prefix)) return true;
  }
  return absl::EndsWith(point, "_seen");
}

void Perturbation::OnPoint(const char* point) {
  // The delay lies outside what the oracle looks at, so that no section ends in it that should have been waited for.
  const bool after = absl::string_view(point) == "rcu.after_grace_period";
  if (after) LookAtGracePeriod(point, *g_errors);
  if (g_delays) DelayAt(point);
  if (!after) LookAtGracePeriod(point, *g_errors);
}

Perturbation::Perturbation(uint64_t seed, bool delays, Errors& errors) {
  g_errors = &errors;
  g_delays = delays;
  g_seed = seed;
  g_generation.fetch_add(1, std::memory_order_relaxed);
  g_next_thread.store(0, std::memory_order_relaxed);
#if MXA_HOOKS
  MXA_CHECK(SetScheduleHandlerForTest(&OnPoint) == nullptr, "somebody else handles schedule points");
  MXA_CHECK(SetLockStepHandlerForTest(&NoteLockStep) == nullptr, "somebody else is told of locks");
#else
  static_cast<void>(&OnPoint);
#endif
}

Perturbation::~Perturbation() {
#if MXA_HOOKS
  SetLockStepHandlerForTest(nullptr);
  SetScheduleHandlerForTest(nullptr);
#endif
}

}  // namespace mxa::torture
