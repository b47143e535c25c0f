// SPDX-License-Identifier: Apache-2.0
//
// Drives schedule points: holds the next thread that reaches a point until the test lets it go.
//
//   Interleaver interleaver;
//   interleaver.Hold("mover.after_pin");
//   threads.Start("mover", ...);
//   interleaver.AwaitHeld("mover.after_pin");
//   ...                                           // the mover stands still exactly there
//   interleaver.Release("mover.after_pin");
//
// Invariants:
//   V1  at most one Interleaver exists at a time.
//   V2  when it ends, every hold was met and released: a schedule that never ran proves nothing.    (CHECKed)
// Threads: Hold, AwaitHeld and Release by the test; the points by anybody. No sleeps: a wait ends when what it waits
// for happens, and after a minute with a CHECK that names the point.
#ifndef MXA_TESTS_SUPPORT_INTERLEAVER_H_
#define MXA_TESTS_SUPPORT_INTERLEAVER_H_

#include <map>
#include <string>

#include "base/mutex.h"
#include "base/schedule_point.h"

namespace mxa::tests {

class Interleaver {
 public:
  Interleaver();
  ~Interleaver();
  Interleaver(const Interleaver&) = delete;
  Interleaver& operator=(const Interleaver&) = delete;

  // The next thread at `point` stops there; later ones pass.
  void Hold(const std::string& point);
  // Waits until a thread stands at `point`. REQUIRES: Hold(point).
  void AwaitHeld(const std::string& point);
  // REQUIRES: a thread stands at `point`.
  void Release(const std::string& point);

 private:
  enum class State { kArmed, kHeld, kReleased };

  static void OnPoint(const char* point);
  void Reach(const char* point);

  Mutex mutex_;
  CondVar changed_;
  std::map<std::string, State> holds_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_INTERLEAVER_H_
