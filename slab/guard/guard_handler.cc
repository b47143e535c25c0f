// SPDX-License-Identifier: Apache-2.0
#include "slab/guard/guard_handler.h"

#include <signal.h>

#include <cerrno>

#include "base/check.h"
#include "slab/guard/call_stack.h"
#include "slab/guard/guard_pool.h"
#include "slab/guard/guard_registry.h"

namespace mxa::slab {
namespace {

// The actions from before; written before ours is installed.
struct sigaction previous_segv;
struct sigaction previous_bus;

const struct sigaction& PreviousOf(int signal) { return signal == SIGSEGV ? previous_segv : previous_bus; }

// Lets the action from before have a signal that is none of ours.
void PassOn(int signal, siginfo_t* info, void* context, bool is_fault) {
  const struct sigaction& previous = PreviousOf(signal);
  const bool has_function =
      (previous.sa_flags & SA_SIGINFO) != 0 || (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN);
  if (!has_function) {
    if (!is_fault && previous.sa_handler == SIG_IGN) return;
    // A fault comes again by itself once this handler returns; what was sent has to be sent again.
    sigaction(signal, &previous, nullptr);
    if (!is_fault) raise(signal);
    return;
  }
  sigset_t own;
  sigemptyset(&own);
  sigaddset(&own, signal);
  if ((previous.sa_flags & SA_NODEFER) != 0) pthread_sigmask(SIG_UNBLOCK, &own, nullptr);
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
  } else {
    previous.sa_handler(signal);
  }
}

void OnFault(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  // What was sent by kill() carries no address.
  const bool is_fault = info->si_code > 0;
  const GuardPool* pool = is_fault ? FindGuardPool(info->si_addr) : nullptr;
  // Asked again: where one pool went and another came meanwhile, the list may have mixed the two.
  if (pool == nullptr || !pool->Contains(info->si_addr)) {
    errno = saved_errno;
    PassOn(signal, info, context, is_fault);
    return;
  }
  pool->ReportFault(info->si_addr);
  // Last: should the broken program's stack be unreadable, the rest has been said.
  CallStack stack;
  stack.TakeInterrupted(context);
  stack.Print("accessed");
  sigaction(signal, &PreviousOf(signal), nullptr);
  errno = saved_errno;
}

void Install(int signal, struct sigaction* previous) {
  MXA_CHECK(sigaction(signal, nullptr, previous) == 0, "cannot look at a signal's action");
  struct sigaction action = {};
  action.sa_sigaction = &OnFault;
  // As the handler from before expects it, which may be called from ours.
  action.sa_mask = previous->sa_mask;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  MXA_CHECK(sigaction(signal, &action, nullptr) == 0, "cannot install a signal handler");
}

}  // namespace

void InstallGuardHandler() {
  [[maybe_unused]] static const bool installed = [] {
    Install(SIGSEGV, &previous_segv);
    Install(SIGBUS, &previous_bus);
    return true;
  }();
}

}  // namespace mxa::slab
