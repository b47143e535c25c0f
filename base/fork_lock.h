// SPDX-License-Identifier: Apache-2.0
//
// Locks over a fork: what was locked before it is unlocked in the parent and made anew in the child.
//
// Threads: the forking one, in the handlers of reclaim/fork.h.
// Why not unlock in the child: threads that waited for the lock in the parent are still queued on it there and do not
// exist. Unlocking would hand the lock to one of them, or spin on a queue that one of them was changing.
#ifndef MXA_BASE_FORK_LOCK_H_
#define MXA_BASE_FORK_LOCK_H_

#include <memory>

#include "base/mutex.h"
#include "base/tsan.h"

namespace mxa {

// The process that a handler runs in after the fork.
enum class ForkSide { kParent, kChild };

// A lock as if no thread had ever touched it. Its destructor frees nothing that waiters use; it tells lock checkers
// that the lock is gone, so that they forget who held it.
// REQUIRES: called in the child of a fork, before any thread is started there.
inline void RenewInChild(Mutex& mutex) {
  std::destroy_at(&mutex);
  std::construct_at(&mutex);
}
inline void RenewInChild(CondVar& condition) {
  std::destroy_at(&condition);
  std::construct_at(&condition);
}

// Ends what Lock() before the fork began.
inline void ReleaseAfterFork(Mutex& mutex, ForkSide side) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  if (side == ForkSide::kParent) {
    mutex.Unlock();
  } else {
    MXA_TSAN_FORGET_LOCKED(&mutex);
    RenewInChild(mutex);
  }
}

}  // namespace mxa

#endif  // MXA_BASE_FORK_LOCK_H_
