// SPDX-License-Identifier: Apache-2.0
//
// Tells of a fault in a guard pool before the process dies of it as it would have.
//
// Threads: any. The handler is async-signal-safe, and takes no lock that a thread outside a handler could hold for
// long.
// Why not end the process in the handler: who installed one before (a crash reporter, a sanitizer) wants its turn, with
// the fault's own registers; the faulting instruction is run once more for it.
#ifndef MXA_SLAB_GUARD_GUARD_HANDLER_H_
#define MXA_SLAB_GUARD_GUARD_HANDLER_H_

namespace mxa::slab {

// Installs a handler for SIGSEGV and SIGBUS; a second call does nothing. It runs on the alternate stack where a thread
// has one.
//
// A fault in a guard pool is reported; then the action from before this call is back in place for good and meets the
// same fault again. Any other fault goes to the handler from before, and ours stays.
void InstallGuardHandler();

}  // namespace mxa::slab

#endif  // MXA_SLAB_GUARD_GUARD_HANDLER_H_
