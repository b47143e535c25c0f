// SPDX-License-Identifier: Apache-2.0
//
// What runs around fork(), in which order: each part of the library brings its state to rest before and mends it after.
//
// Invariants:
//   F1  the stages are prepared in the order of ForkStage and released in the opposite order, in parent and child.
//   F2  a stage that waits for other threads comes before every lock that those threads may need to go on.
//   F3  no function-local static that the child may use is half made at a fork, for the child would wait for the thread
//       that was making it for ever: they are made before main, or inside a ForkHold.
// Threads: handlers run on the thread that forks; forks of several threads run one after the other.
// Why not a pthread_atfork() each: its order is that of registration, and the order here is that of locks.
#ifndef MXA_RECLAIM_FORK_H_
#define MXA_RECLAIM_FORK_H_

#include <cstdint>

#include "base/fork_lock.h"

namespace mxa::reclaim {

enum class ForkStage {
  kContext,       // may this thread fork at all? Runs before the forks queue up, so on several threads at once
  kPasses,        // no pass is under way: passes wait for callbacks and for grace periods
  kCallbacks,     // no callback of a retired object is running: callbacks may take any lock below
  kGracePeriods,  // no grace period is being waited for: readers may take any lock below before they end
  kVisitors,      // nobody looks at all parts of a layer above: they may take any of its locks
  kThreads,       // no thread of this library's is born or ends (fork_thread.h): ends may take any of the locks below
  kLayersAbove,   // the locks under which others call Retire
  kQueue,         // the queue of what is retired
  kReaders,       // the list of the threads that read
};
inline constexpr int kForkStages = static_cast<int>(ForkStage::kReaders) + 1;

struct ForkHandlers {
  // Brings the stage to rest; what it locks stays locked until `release`.
  void (*prepare)();
  // Lets it go on. In the child the forking thread is the only one: what the others held is made anew.
  // In the child it must start no thread: most children exec at once.
  void (*release)(ForkSide side);
};

// From now on `handlers` serve `stage` at every fork of this process. REQUIRES: the stage has none yet.    (CHECKed)
// Context: while statics are initialised, so that no fork can come between and F3 holds for what the handlers use.
void SetForkHandlers(ForkStage stage, const ForkHandlers& handlers);

// How many forks lie between the first process that had this library and this one: who finds more than it remembers is
// in a child, where threads that it started are not.
uint64_t ForkGeneration();

// What a ForkHold (fork_hold.h) does; they do not nest.
void HoldForks();
void LetForksGo();

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_FORK_H_
