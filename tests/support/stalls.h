// SPDX-License-Identifier: Apache-2.0
//
// Stops a thread again and again for a little while, wherever it is, so that others overtake it there.
//
// A test that takes some microseconds is otherwise over before a pass of another thread has begun.
// Threads: made and ended by the thread that is to be stopped; one at a time in a process.
// How: a signal whose handler sleeps and sets the timer for the next.
#ifndef MXA_TESTS_SUPPORT_STALLS_H_
#define MXA_TESTS_SUPPORT_STALLS_H_

#include <time.h>

namespace mxa::tests {

class Stalls {
 public:
  Stalls();
  ~Stalls();
  Stalls(const Stalls&) = delete;
  Stalls& operator=(const Stalls&) = delete;

 private:
  static void OnSignal(int);
  static void SetTimer();

  static timer_t timer_;
};

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_STALLS_H_
