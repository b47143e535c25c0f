// SPDX-License-Identifier: Apache-2.0
//
// Apart from rcu.cc because it needs liburcu's inner types also where the read side is not inlined.
#ifndef _LGPL_SOURCE
#define _LGPL_SOURCE 1
#endif

#include "reclaim/rcu_readers.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <type_traits>

#include "absl/base/attributes.h"
#include "base/check.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "reclaim/rcu.h"
#include "reclaim/rcu_flavor.h"
#include "reclaim/rcu_flavor_check.h"

namespace mxa::reclaim::internal {
namespace {

#if !defined(MXA_RCU_BP)
using UrcuReader = std::remove_reference_t<decltype(URCU_TLS(MXA_URCU(reader)))>;

struct Reader : ListLink {
  UrcuReader* urcu = nullptr;
  pthread_t thread{};
  int64_t thread_id = 0;
};

ABSL_CONST_INIT thread_local Reader tls_reader;

IntrusiveList<Reader>& Readers() {
  static auto& readers = *new IntrusiveList<Reader>;
  return readers;
}
#endif

#if !defined(MXA_RCU_BP)
// The word by which a reader tells liburcu where it stands.
// Relaxed: what is seen is a moment's, for a report.
uint64_t WordOf(const UrcuReader& reader) { return __atomic_load_n(&reader.ctr, __ATOMIC_RELAXED); }

// Whether a reader with this word entered its section before the grace period under way began.
bool HoldsUp(uint64_t word, uint64_t grace_period) {
#if defined(MXA_RCU_QSBR)
  return word != 0 && word != grace_period;
#else
  return (word & URCU_GP_CTR_NEST_MASK) != 0 && ((word ^ grace_period) & URCU_GP_CTR_PHASE) != 0;
#endif
}
#endif

// Held while liburcu's list changes.
Mutex& ReadersMutex() {
  ABSL_CONST_INIT static Mutex mutex(absl::kConstInit);
  return mutex;
}

// A pthread key rather than a thread_local with a destructor: its destructor runs after those of all thread_locals,
// whose own code may still open read sections, and runs again for a thread that registers anew meanwhile.
pthread_key_t ExitKey(void (*at_exit)(void*)) ABSL_EXCLUSIVE_LOCKS_REQUIRED(ReadersMutex()) {
  // Not a static with an initialiser, which a fork could find half made; it waits for the mutex.
  static bool created = false;
  static pthread_key_t key;
  if (!created) {
    CheckFlavorUsable();
    MXA_CHECK(pthread_key_create(&key, at_exit) == 0, "no thread-specific key left");
    created = true;
  }
  return key;
}

}  // namespace
}  // namespace mxa::reclaim::internal

namespace mxa::reclaim {

std::vector<GracePeriodHolder> GracePeriodHolders() {
  std::vector<GracePeriodHolder> holders;
#if !defined(MXA_RCU_BP)
  MutexLock lock(&internal::ReadersMutex());
  // Relaxed: as WordOf.
  const uint64_t grace_period = __atomic_load_n(&MXA_URCU(gp).ctr, __ATOMIC_RELAXED);
  for (internal::Reader* reader = internal::Readers().front(); reader != nullptr;
       reader = internal::Readers().next(*reader)) {
    if (!internal::HoldsUp(internal::WordOf(*reader->urcu), grace_period)) continue;
    std::array<char, 16> name{};
    pthread_getname_np(reader->thread, name.data(), name.size());
    // One that was there before the last grace period to end would have held that up.
    holders.push_back({name.data(), reader->thread_id, GracePeriods()});
  }
#endif
  return holders;
}

}  // namespace mxa::reclaim

namespace mxa::reclaim::internal {

pthread_key_t AddReader(void (*at_exit)(void*)) {
  MutexLock lock(&ReadersMutex());
  const pthread_key_t key = ExitKey(at_exit);
  MXA_URCU(register_thread)();
#if !defined(MXA_RCU_BP)
  tls_reader.urcu = &URCU_TLS(MXA_URCU(reader));
  tls_reader.thread = pthread_self();
  tls_reader.thread_id = static_cast<int64_t>(syscall(SYS_gettid));
  Readers().PushBack(tls_reader);
#endif
  return key;
}

void RemoveReader() {
  MutexLock lock(&ReadersMutex());
#if !defined(MXA_RCU_BP)
  Readers().Remove(tls_reader);
#endif
  MXA_URCU(unregister_thread)();
}

void LockReadersForFork() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  ReadersMutex().Lock();
#if defined(MXA_RCU_BP)
  urcu_bp_before_fork();
#endif
}

void ReleaseReadersAfterFork(ForkSide side) ABSL_NO_THREAD_SAFETY_ANALYSIS {
#if defined(MXA_RCU_BP)
  // This flavour knows of forks and strikes the dead threads out itself.
  side == ForkSide::kParent ? urcu_bp_after_fork_parent() : urcu_bp_after_fork_child();
#else
  if (side == ForkSide::kChild) {
    // The thread-locals of threads that are gone stay mapped until their stacks are reused, for threads yet to start.
    for (Reader* reader = Readers().front(); reader != nullptr;) {
      Reader* next = Readers().next(*reader);
      if (reader != &tls_reader) {
        cds_list_del(&reader->urcu->node);
        Readers().Remove(*reader);
      }
      reader = next;
    }
  }
#endif
  ReleaseAfterFork(ReadersMutex(), side);
}

}  // namespace mxa::reclaim::internal
