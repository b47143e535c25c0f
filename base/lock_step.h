// SPDX-License-Identifier: Apache-2.0
//
// Tells a test which thread waits for which of the library's locks, and which it holds.
//
// Compiled in with MXA_HOOKS=1 (base/schedule_point.h says where) and to nothing at all otherwise.
// Threads: a handler is installed and removed while no other thread takes a lock, and must be callable from any thread.
// Why no schedule point: tests run other code at those, and nothing may run between a thread and a lock it has just got.
#ifndef MXA_BASE_LOCK_STEP_H_
#define MXA_BASE_LOCK_STEP_H_

#include <cstdint>

#include "base/schedule_point.h"

namespace mxa {

enum class LockStep : uint8_t {
  kWaits,     // about to block
  kTaken,     // also when it did not have to wait
  kReleased,  // about to let go
};

// Called on the thread that takes the step, with the address of what the lock is part of. Takes no lock of the library's.
using LockStepHandler = void (*)(const void* owner, LockStep step);

#if MXA_HOOKS
// Null removes the handler. Returns the one before.
LockStepHandler SetLockStepHandlerForTest(LockStepHandler handler);
void TellLockStep(const void* owner, LockStep step);
#define MXA_LOCK_STEP(owner, step) ::mxa::TellLockStep(owner, step)
#else
#define MXA_LOCK_STEP(owner, step) static_cast<void>(0)
#endif

}  // namespace mxa

#endif  // MXA_BASE_LOCK_STEP_H_
