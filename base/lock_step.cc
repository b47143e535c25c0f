// SPDX-License-Identifier: Apache-2.0
#include "base/lock_step.h"

#include <atomic>

namespace mxa {

#if MXA_HOOKS
namespace {
std::atomic<LockStepHandler> g_handler{nullptr};
}  // namespace

LockStepHandler SetLockStepHandlerForTest(LockStepHandler handler) {
  // Acq_rel; pairs with the acquire in TellLockStep: the handler sees what its installer set up.
  return g_handler.exchange(handler, std::memory_order_acq_rel);
}

void TellLockStep(const void* owner, LockStep step) {
  // Acquire; pairs with SetLockStepHandlerForTest.
  if (LockStepHandler handler = g_handler.load(std::memory_order_acquire)) handler(owner, step);
}
#endif

}  // namespace mxa
