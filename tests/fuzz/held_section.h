// SPDX-License-Identifier: Apache-2.0
//
// A read section that stays open over steps of a program, on a thread of its own: what was read at its beginning must be
// the same at its end.
//
// A step that may wait for a grace period says so before it begins: then the section ends a little later by itself, in the
// midst of that wait. It also ends by itself when it has been open for long, for steps that wait when memory is short.
// Threads: one thread's.
#ifndef MXA_TESTS_FUZZ_HELD_SECTION_H_
#define MXA_TESTS_FUZZ_HELD_SECTION_H_

#include <functional>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "reclaim/rcu.h"

namespace mxa::fuzz {

class HeldSection {
 public:
  // What is read at the beginning, and what looks at it again at the end.
  using Check = std::function<absl::Status()>;
  using Read = std::function<Check()>;

  HeldSection() = default;
  ~HeldSection() {
    static_cast<void>(Close());
    if (!thread_.joinable()) return;
    {
      MutexLock lock(&mutex_);
      phase_ = Phase::kEnd;
      changed_.SignalAll();
    }
    thread_.join();
  }
  HeldSection(const HeldSection&) = delete;
  HeldSection& operator=(const HeldSection&) = delete;

  bool is_open() const { return is_open_; }

  // Opens the section, and returns when `read` has run in it. REQUIRES: none is open.
  void Open(Read read) {
    if (!thread_.joinable()) thread_ = std::thread([this] { Serve(); });
    MutexLock lock(&mutex_);
    read_ = std::move(read);
    phase_ = Phase::kRead;
    changed_.SignalAll();
    while (phase_ == Phase::kRead) changed_.Wait(&mutex_);
    is_open_ = true;
  }
  // The caller may wait for a grace period from now on, and calls Close when it does not any more.
  void LetGoSoon() {
    if (!is_open_) return;
    MutexLock lock(&mutex_);
    if (phase_ != Phase::kHold) return;
    phase_ = Phase::kLetGo;
    changed_.SignalAll();
  }
  // Ends the section, if it is open. OK, or what was no longer as it had been read.
  absl::Status Close() {
    if (!is_open_) return absl::OkStatus();
    is_open_ = false;
    MutexLock lock(&mutex_);
    if (phase_ != Phase::kIdle) phase_ = Phase::kClose;
    changed_.SignalAll();
    while (phase_ != Phase::kIdle) changed_.Wait(&mutex_);
    return status_;
  }

 private:
  enum class Phase { kIdle, kRead, kHold, kLetGo, kClose, kEnd };
  static constexpr absl::Duration kAtMost = absl::Milliseconds(20);
  // Long enough for the other thread to come to its wait, mostly.
  static constexpr absl::Duration kSoon = absl::Microseconds(200);

  void Serve() {
    for (;;) {
      {
        MutexLock lock(&mutex_);
        while (phase_ != Phase::kRead && phase_ != Phase::kEnd) changed_.Wait(&mutex_);
        if (phase_ == Phase::kEnd) return;
      }
      absl::Status status;
      {
        const reclaim::ReadSection section;
        const Check check = read_();
        Hold();
        status = check();
      }
      MutexLock lock(&mutex_);
      status_ = status;
      phase_ = Phase::kIdle;
      changed_.SignalAll();
    }
  }
  void Hold() {
    MutexLock lock(&mutex_);
    phase_ = Phase::kHold;
    changed_.SignalAll();
    WaitWhile(Phase::kHold, kAtMost);
    WaitWhile(Phase::kLetGo, kSoon);
  }

  void WaitWhile(Phase phase, absl::Duration at_most) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const absl::Time end = absl::Now() + at_most;
    while (phase_ == phase && !changed_.WaitWithDeadline(&mutex_, end)) {
    }
  }

  std::thread thread_;
  bool is_open_ = false;  // the caller's
  Mutex mutex_;
  CondVar changed_;
  Phase phase_ = Phase::kIdle;
  Read read_;
  absl::Status status_;
};

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_HELD_SECTION_H_
