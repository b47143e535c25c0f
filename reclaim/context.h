// SPDX-License-Identifier: Apache-2.0
//
// What the calling thread may not do right now: wait, reclaim, or call back into a cache.
//
// Every rule of the lock order that a lock analysis cannot see is a counter of the current thread here, and is CHECKed
// where it matters. Threads: each thread sees its own.
#ifndef MXA_RECLAIM_CONTEXT_H_
#define MXA_RECLAIM_CONTEXT_H_

#include "absl/base/attributes.h"

namespace mxa::reclaim {

struct ThreadContext {
  int array_locks = 0;              // array locks held: no pass may start on this thread, and nothing may wait
  int no_reclaim = 0;               // inside Reclaim, a destructor after a grace period, a notifier or a shrinker
  const void* recycling = nullptr;  // the cache whose destructors run after a grace period
  int can_free = 0;                 // inside CanFree: no allocation and no call into the cache either
};

ABSL_CONST_INIT inline thread_local ThreadContext tls_context;

// True when this thread may start a pass or wait for memory or for a grace period.
inline bool MayReclaim() {
  return tls_context.array_locks == 0 && tls_context.no_reclaim == 0 && tls_context.can_free == 0;
}

class [[nodiscard]] ArrayLockScope {
 public:
  ArrayLockScope() { ++tls_context.array_locks; }
  ~ArrayLockScope() { --tls_context.array_locks; }
  ArrayLockScope(const ArrayLockScope&) = delete;
  ArrayLockScope& operator=(const ArrayLockScope&) = delete;
};

class [[nodiscard]] NoReclaimScope {
 public:
  NoReclaimScope() { ++tls_context.no_reclaim; }
  ~NoReclaimScope() { --tls_context.no_reclaim; }
  NoReclaimScope(const NoReclaimScope&) = delete;
  NoReclaimScope& operator=(const NoReclaimScope&) = delete;
};

class [[nodiscard]] CanFreeScope {
 public:
  CanFreeScope() { ++tls_context.can_free; }
  ~CanFreeScope() { --tls_context.can_free; }
  CanFreeScope(const CanFreeScope&) = delete;
  CanFreeScope& operator=(const CanFreeScope&) = delete;
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_CONTEXT_H_
