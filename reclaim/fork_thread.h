// SPDX-License-Identifier: Apache-2.0
//
// Threads of the library's that come and go, in the middle of whose birth and end no fork comes.
//
// What a thread needs to wait for a mutex, Abseil hands out when it waits first and takes back at its end, under a lock that the
// child of a fork in the middle of either finds held for ever: the next thread that is born there hangs.
// Invariants:
//   Ft1  from before its creation until it has waited once, and from the end of its body until its last destructor has run, a
//        thread is counted, and no fork goes past ForkStage::kThreads.
// Threads: any.
// Why not a ForkHold (fork_hold.h): a thread's end comes after the last statement that could let go of one.
#ifndef MXA_RECLAIM_FORK_THREAD_H_
#define MXA_RECLAIM_FORK_THREAD_H_

#include <pthread.h>

namespace mxa::reclaim {

// Starts a thread called `name` (at most 15 letters) that runs `body(argument)`; it takes no signals but those of its own
// faults, as handlers of the program's belong on the program's threads. With `thread` it is to be joined, with null it is
// detached. False when the system has no thread left.
//
// Destructors of what `body` leaves to the thread's end (thread_local variables, keys) neither fork (CHECKed) nor wait for what
// a fork holds: passes, callbacks, grace periods, ForkHold.
// Context: outside read sections; waits for a fork that is under way, so that no lock that a fork takes may be held, but for a
// ForkHold, which keeps forks from being under way.
bool StartThread(const char* name, void (*body)(void*), void* argument, pthread_t* thread = nullptr);

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_FORK_THREAD_H_
