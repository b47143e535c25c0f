// SPDX-License-Identifier: Apache-2.0
#include "tests/support/stalls.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"

// Older headers name the field by its place only.
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace mxa::tests {
namespace {

constexpr int kSignal = SIGUSR2;
constexpr long kRunNs = 40'000;
constexpr long kStallNs = 150'000;

}  // namespace

timer_t Stalls::timer_;

Stalls::Stalls() {
  struct sigaction action = {};
  action.sa_handler = &OnSignal;
  action.sa_flags = SA_RESTART;
  MXA_CHECK(sigaction(kSignal, &action, nullptr) == 0, "cannot handle a signal");
  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = kSignal;
  event.sigev_notify_thread_id = gettid();
  MXA_CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0, "cannot make a timer");
  SetTimer();
}

Stalls::~Stalls() {
  timer_delete(timer_);
  signal(kSignal, SIG_IGN);  // one that is still on its way does no harm
}

void Stalls::OnSignal(int) {
  const int error = errno;
  const timespec stall = {0, kStallNs};
  nanosleep(&stall, nullptr);
  SetTimer();
  errno = error;
}

void Stalls::SetTimer() {
  const itimerspec once = {{0, 0}, {0, kRunNs}};
  timer_settime(timer_, 0, &once, nullptr);
}

}  // namespace mxa::tests
