// SPDX-License-Identifier: Apache-2.0
//
// The threads that are registered with liburcu, so that the child of a fork can strike out those that are gone.
//
// liburcu keeps such a list too, behind locks that it does not lend. In the child that list names threads that do not
// exist; one that was inside a section would hold up every grace period for ever. And so that whoever waits for a grace
// period can say who holds it up: it looks at the readers' own words, so that a reader pays nothing for it.
// Threads: any. No lock of the library is taken inside, so a thread may register under any.
#ifndef MXA_RECLAIM_RCU_READERS_H_
#define MXA_RECLAIM_RCU_READERS_H_

#include <pthread.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/fork_lock.h"

namespace mxa::reclaim {

// A thread in a read section that the grace period under way waits for.
struct GracePeriodHolder {
  std::string name;
  int64_t thread_id = 0;  // the kernel's
  uint64_t section = 0;   // differs between sections of one thread, but for a chance in the moment a grace period ends
};

// Those there are right now; none when no grace period is under way, and never any with the bp flavour, which keeps its
// readers to itself.
//
// Context: any; a leaf lock.
std::vector<GracePeriodHolder> GracePeriodHolders();

}  // namespace mxa::reclaim

namespace mxa::reclaim::internal {

// Registers and unregisters the calling thread. AddReader returns the key whose destructor is `at_exit`, the same for
// every call.
pthread_key_t AddReader(void (*at_exit)(void*));
void RemoveReader();

// The handlers of ForkStage::kReaders. In the child only the calling thread stays registered, if it was.
// REQUIRES: no thread waits for a grace period.
void LockReadersForFork();
void ReleaseReadersAfterFork(ForkSide side);

}  // namespace mxa::reclaim::internal

#endif  // MXA_RECLAIM_RCU_READERS_H_
