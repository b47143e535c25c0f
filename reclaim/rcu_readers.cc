// SPDX-License-Identifier: Apache-2.0
//
// Apart from rcu.cc because it needs liburcu's inner types also where the read side is not inlined.
#ifndef _LGPL_SOURCE
#define _LGPL_SOURCE 1
#endif

#include "reclaim/rcu_readers.h"

#include <type_traits>

#include "absl/base/attributes.h"
#include "base/check.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "reclaim/rcu_flavor.h"
#include "reclaim/rcu_flavor_check.h"

namespace mxa::reclaim::internal {
namespace {

#if !defined(MXA_RCU_BP)
using UrcuReader = std::remove_reference_t<decltype(URCU_TLS(MXA_URCU(reader)))>;

struct Reader : ListLink {
  UrcuReader* urcu = nullptr;
};

ABSL_CONST_INIT thread_local Reader tls_reader;

IntrusiveList<Reader>& Readers() {
  static auto& readers = *new IntrusiveList<Reader>;
  return readers;
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

pthread_key_t AddReader(void (*at_exit)(void*)) {
  MutexLock lock(&ReadersMutex());
  const pthread_key_t key = ExitKey(at_exit);
  MXA_URCU(register_thread)();
#if !defined(MXA_RCU_BP)
  tls_reader.urcu = &URCU_TLS(MXA_URCU(reader));
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
