// SPDX-License-Identifier: Apache-2.0
#include "reclaim/rcu.h"

#include <pthread.h>

#include <atomic>
#include <optional>

#include "absl/base/attributes.h"
#include "base/check.h"
#include "base/mutex.h"
#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"
#include "reclaim/fork.h"
#include "reclaim/rcu_readers.h"

namespace mxa::reclaim {
namespace {

// Relaxed: a statistic.
std::atomic<uint64_t> g_grace_periods{0};

// Whoever waits for a grace period holds it shared, so that waiters share grace periods; a fork takes it alone, because
// liburcu's locks, held by a thread that is not there, could not be got free in the child. A lock of its own: threads
// must be able to register while a fork waits for readers.
Mutex& GracePeriodGate() {
  ABSL_CONST_INIT static Mutex gate(absl::kConstInit);
  return gate;
}

// From before a fork waits for anything until after it.
ABSL_CONST_INIT thread_local std::optional<OfflineScope> tls_fork_offline;

void CheckForkContext() {
  MXA_CHECK(!InReadSection(), "fork inside a read section");
  MXA_CHECK(MayReclaim(), "fork under an array lock or inside a callback");
  tls_fork_offline.emplace();
}

[[maybe_unused]] const bool arranged = [] {
  SetForkHandlers(ForkStage::kContext, {&CheckForkContext, [](ForkSide) { tls_fork_offline.reset(); }});
  SetForkHandlers(ForkStage::kGracePeriods, {[]() ABSL_NO_THREAD_SAFETY_ANALYSIS { GracePeriodGate().Lock(); },
                                             [](ForkSide side) { ReleaseAfterFork(GracePeriodGate(), side); }});
  SetForkHandlers(ForkStage::kReaders, {&internal::LockReadersForFork, &internal::ReleaseReadersAfterFork});
  return true;
}();

bool SkipsGracePeriod() {
  return PlantedBugIs(PlantedBug::kGracePeriodSkippedOften) || PlantedBugIs(PlantedBug::kGracePeriodSkippedRarely);
}

void UnregisterThread(void*) {
  MXA_CHECK(!InReadSection(), "thread ends inside a read section");
  internal::RemoveReader();
  internal::tls_registered = false;
}

}  // namespace

namespace internal {

void RegisterThread() {
  const pthread_key_t key = AddReader(&UnregisterThread);
  tls_registered = true;
  MXA_CHECK(pthread_setspecific(key, &tls_registered) == 0, "cannot arrange for the thread's end");
}

}  // namespace internal

bool InReadSection() {
#if defined(MXA_RCU_QSBR)
  return internal::tls_depth != 0;
#else
  return internal::tls_registered && MXA_URCU(read_ongoing)() != 0;
#endif
}

OfflineScope::OfflineScope() {
  MXA_CHECK(!InReadSection(), "blocking inside a read section");
#if defined(MXA_RCU_QSBR)
  if (was_registered_) MXA_URCU(thread_offline)();
#endif
}

OfflineScope::~OfflineScope() {
#if defined(MXA_RCU_QSBR)
  if (was_registered_) MXA_URCU(thread_online)();
#endif
}

void Synchronize() {
  MXA_CHECK(!InReadSection(), "waiting for a grace period inside a read section");
  MXA_CHECK(tls_context.array_locks == 0, "waiting for a grace period under an array lock");
  MXA_CHECK(tls_context.can_free == 0, "waiting for a grace period inside CanFree");
  MXA_SCHEDULE_POINT("rcu.before_grace_period");
  {
    OfflineScope offline;  // a fork that holds the gate waits for the grace periods of others first
    ReaderMutexLock no_fork(&GracePeriodGate());
    if (!SkipsGracePeriod()) MXA_URCU(synchronize_rcu)();
  }
  MXA_TSAN_ACQUIRE(&internal::tsan_grace_period_token);
  g_grace_periods.fetch_add(1, std::memory_order_relaxed);
  MXA_SCHEDULE_POINT("rcu.after_grace_period");
}

const char* FlavorName() { return MXA_RCU_FLAVOR_NAME; }

uint64_t GracePeriods() { return g_grace_periods.load(std::memory_order_relaxed); }

}  // namespace mxa::reclaim
