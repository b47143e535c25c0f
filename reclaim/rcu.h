// SPDX-License-Identifier: Apache-2.0
//
// Read sections and grace periods: a thin face over liburcu under which threads register by themselves.
//
//   {
//     mxa::reclaim::ReadSection section;
//     if (Page* page = array.Load(index)) Use(*page);   // *page stays valid until the section ends
//   }
//
// Threads: everything here may be called from any thread at any time. A thread registers at its first section and is
// unregistered when it ends.
//   ReadSection x anything: runs at once, wait-free (with the bp and qsbr flavours the first section of a thread
//   locks). Synchronize x Synchronize: each waits; liburcu lets concurrent callers share a grace period.
// Fork: not inside a read section (CHECKed); the child reads and waits like its parent (README.md).
// Flavours: memb (default), mb and bp need nothing more. With qsbr a registered thread holds up every grace period
// until its next section ends: it must not block outside an OfflineScope, which costs nothing with the other flavours.
#ifndef MXA_RECLAIM_RCU_H_
#define MXA_RECLAIM_RCU_H_

#include <cstdint>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "base/tsan.h"
#include "reclaim/rcu_flavor.h"

namespace mxa::reclaim {

namespace internal {

// True while this thread is registered with liburcu.
ABSL_CONST_INIT inline thread_local bool tls_registered = false;
#if defined(MXA_RCU_QSBR)
ABSL_CONST_INIT inline thread_local unsigned tls_depth = 0;
#endif
// Stands for "a grace period" towards TSan.
inline char tsan_grace_period_token = 0;

void RegisterThread();

ABSL_ATTRIBUTE_ALWAYS_INLINE inline void EnterReadSection() {
  if (ABSL_PREDICT_FALSE(!tls_registered)) RegisterThread();
#if defined(MXA_RCU_QSBR)
  ++tls_depth;
#endif
  MXA_URCU(read_lock)();
}

ABSL_ATTRIBUTE_ALWAYS_INLINE inline void LeaveReadSection() {
  MXA_TSAN_RELEASE(&tsan_grace_period_token);
  MXA_URCU(read_unlock)();
#if defined(MXA_RCU_QSBR)
  if (--tls_depth == 0) MXA_URCU(quiescent_state)();
#endif
}

}  // namespace internal

// What an RCU-protected pointer read inside it points to stays readable until it ends. Sections nest.
//
// Context: any thread, also in a signal handler of a registered thread (memb, mb); never across a wait for a grace
// period.
// Ordering: whatever is read inside happens before the end of every Synchronize() that began before the section ended.
class [[nodiscard]] ReadSection {
 public:
  ReadSection() { internal::EnterReadSection(); }
  ~ReadSection() { internal::LeaveReadSection(); }
  ReadSection(const ReadSection&) = delete;
  ReadSection& operator=(const ReadSection&) = delete;
};

// For code that blocks outside a read section. Only qsbr needs it; there it lets grace periods go on without this
// thread.
// REQUIRES: no read section is open on this thread.    (CHECKed)
class [[nodiscard]] OfflineScope {
 public:
  OfflineScope();
  ~OfflineScope();
  OfflineScope(const OfflineScope&) = delete;
  OfflineScope& operator=(const OfflineScope&) = delete;

#if defined(MXA_RCU_QSBR)
 private:
  const bool was_registered_ = internal::tls_registered;
#endif
};

// True when a read section is open on this thread.
bool InReadSection();

// Waits until every read section that was open at the call has ended.
//
// REQUIRES: no read section is open on this thread; not called from a callback that must not wait.    (CHECKed)
// Context: waits; may be called with no array lock and no leaf lock held.
void Synchronize();

// The flavour this build uses: "memb", "qsbr", "bp" or "mb".
const char* FlavorName();

// Grace periods waited for by this process so far, through this facade.
uint64_t GracePeriods();

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_RCU_H_
