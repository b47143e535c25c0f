// SPDX-License-Identifier: Apache-2.0
//
// Counts a cache's batches from their first mark to the end of their settling, in order.
//
// Lets a pass run at most kMostInside batches ahead of their grace periods, so that it needs no more memory than those;
// and lets others wait for the batches that are under way. Threads: any.
#ifndef MXA_SLAB_BATCH_GATE_H_
#define MXA_SLAB_BATCH_GATE_H_

#include <cstdint>

#include "base/fork_lock.h"
#include "base/mutex.h"
#include "reclaim/rcu.h"

namespace mxa::slab {

class BatchGate {
 public:
  // Waits for room, then counts a batch in; says whether it had to wait.
  bool Enter() {
    reclaim::OfflineScope offline;
    MutexLock lock(&mutex_);
    const bool waits = entered_ - left_ >= kMostInside;
    while (entered_ - left_ >= kMostInside) changed_.Wait(&mutex_);
    ++entered_;
    return waits;
  }
  // The oldest batch inside has settled.
  void Leave() {
    MutexLock lock(&mutex_);
    ++left_;
    changed_.SignalAll();
  }
  // Waits until every batch counted in before this call has left.
  void AwaitEntered() {
    reclaim::OfflineScope offline;
    MutexLock lock(&mutex_);
    const uint64_t goal = entered_;
    while (left_ < goal) changed_.Wait(&mutex_);
  }

  // In the child of a fork, where no pass is under way.
  void RenewInChild() {
    mxa::RenewInChild(mutex_);
    mxa::RenewInChild(changed_);
  }

 private:
  static constexpr uint64_t kMostInside = 2;
  Mutex mutex_;
  CondVar changed_;
  uint64_t entered_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t left_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_BATCH_GATE_H_
