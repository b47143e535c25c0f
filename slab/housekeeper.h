// SPDX-License-Identifier: Apache-2.0
//
// One thread that looks after what no other thread may ever come back to: part-filled sheaves that wait for a grace
// period, the sheaves of idle threads, and empty slabs that nobody needed for a while.
//
// It runs only while a cache has such, and sleeps without a time limit otherwise.
// Threads: any. Why not a timer a cache: a process has thousands of caches, most of them at rest.
#ifndef MXA_SLAB_HOUSEKEEPER_H_
#define MXA_SLAB_HOUSEKEEPER_H_

#include <atomic>
#include <cstdint>

#include "absl/base/optimization.h"
#include "base/tsan.h"

namespace mxa::slab {

class Housekeeper {
 public:
  // Says that there is a thread to look after, or that slabs may have become empty; to be called after it is on its
  // cache's list and not parked, or they are.
  //
  // Context: no owner section; takes one leaf lock when the housekeeper was asleep. The first call starts the thread.
  static void Arm() {
    // ORDER(arm) full; pairs with the fence in RunOnce: either this load sees that the housekeeper sleeps, or its round
    // sees what this thread put there.
    FullFence();
    if (ABSL_PREDICT_FALSE(!armed_.load(std::memory_order_relaxed))) ArmSlow();
  }

  // One round over all caches. False when nothing is left to come back for.
  static bool RunOnce(int64_t now_ms);

  // The clock of rounds and of ThreadSheaves::rcu_since, in milliseconds; never 0.
  static int64_t Now();

  // The thread is gone in the child of a fork; the next Arm starts another.
  static void ResetAfterFork();

 private:
  static void ArmSlow();
  [[noreturn]] static void Run();

  static inline std::atomic<bool> armed_{false};
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_HOUSEKEEPER_H_
