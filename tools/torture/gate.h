// SPDX-License-Identifier: Apache-2.0
//
// Where all actors come to rest, between their steps, so that an audit finds nobody inside the caches.
//
// Invariant: between a Pause that returned true and Resume, every member waits in Checkpoint or has left.
// Threads: members call Checkpoint, AwaitPause and Leave; one auditor Pause and Resume.
#ifndef MXA_TOOLS_TORTURE_GATE_H_
#define MXA_TOOLS_TORTURE_GATE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "reclaim/rcu.h"

namespace mxa::torture {

class Gate {
 public:
  explicit Gate(size_t members) : members_(members) {}
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Waits while a pause is on. With a `pace`, waits that long for one to begin: so that light work leaves the processors
  // to others.
  void Checkpoint(absl::Duration pace = absl::ZeroDuration()) {
    // Relaxed: a request; what counts is under the lock.
    if (pace == absl::ZeroDuration() && !pausing_.load(std::memory_order_relaxed)) return;
    reclaim::OfflineScope offline;
    MutexLock lock(&mutex_);
    if (!pausing_.load(std::memory_order_relaxed)) paused_.WaitWithTimeout(&mutex_, pace);
    Rest();
  }
  // Waits for a pause, or takes one that is on, and waits for its end.
  void AwaitPause() {
    reclaim::OfflineScope offline;
    MutexLock lock(&mutex_);
    const uint64_t seen = pauses_;
    // One that began since the last Checkpoint waits for this member: waiting for the next would hang both.
    while (!pausing_.load(std::memory_order_relaxed) && pauses_ == seen && !open_for_good_) paused_.Wait(&mutex_);
    Rest();
  }
  void Leave() {
    MutexLock lock(&mutex_);
    --members_;
    arrived_.SignalAll();
  }

  // False: not everybody came within `limit`.
  bool Pause(absl::Duration limit) {
    const absl::Time deadline = absl::Now() + limit;
    reclaim::OfflineScope offline;
    MutexLock lock(&mutex_);
    pausing_.store(true, std::memory_order_relaxed);
    ++pauses_;
    paused_.SignalAll();
    while (resting_ < members_) {
      if (arrived_.WaitWithDeadline(&mutex_, deadline)) return false;
    }
    return true;
  }
  void Resume(bool for_good = false) {
    MutexLock lock(&mutex_);
    open_for_good_ = for_good;
    pausing_.store(false, std::memory_order_relaxed);
    resumed_.SignalAll();
    if (for_good) paused_.SignalAll();
  }

 private:
  void Rest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!pausing_.load(std::memory_order_relaxed)) return;
    ++resting_;
    arrived_.SignalAll();
    while (pausing_.load(std::memory_order_relaxed)) resumed_.Wait(&mutex_);
    --resting_;
  }

  Mutex mutex_;
  CondVar paused_;   // a pause has begun
  CondVar arrived_;  // a member rests or has left
  CondVar resumed_;
  std::atomic<bool> pausing_{false};  // changed under the lock
  bool open_for_good_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t pauses_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t members_ ABSL_GUARDED_BY(mutex_);
  size_t resting_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_GATE_H_
