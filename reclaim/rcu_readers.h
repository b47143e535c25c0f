// SPDX-License-Identifier: Apache-2.0
//
// The threads that are registered with liburcu, so that the child of a fork can strike out those that are gone.
//
// liburcu keeps such a list too, behind locks that it does not lend. In the child that list names threads that do not
// exist; one that was inside a section would hold up every grace period for ever.
// Threads: any. No lock of the library is taken inside, so a thread may register under any.
#ifndef MXA_RECLAIM_RCU_READERS_H_
#define MXA_RECLAIM_RCU_READERS_H_

#include <pthread.h>

#include "base/fork_lock.h"

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
