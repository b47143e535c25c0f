// SPDX-License-Identifier: Apache-2.0
//
// When to work on a source, and when to rest: hysteresis, back-off and the duty limit, without a thread or a clock.
//
// Threads: one at a time. Times are told, by whatever clock.
#ifndef MXA_RECLAIM_BACKGROUND_PACE_H_
#define MXA_RECLAIM_BACKGROUND_PACE_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"
#include "reclaim/background_options.h"
#include "reclaim/pressure.h"
#include "reclaim/reclaim_source.h"

namespace mxa::reclaim {

// Of one source.
class SourcePace {
 public:
  // Whether it is to be worked on now.
  bool Due(const ReclaimHeld& held, PressureLevel level, absl::Duration now, const BackgroundOptions& options) {
    const uint64_t idle = held.idle_bytes;
    const double percent =
        held.held_bytes == 0 ? 0 : 100 * static_cast<double>(idle) / static_cast<double>(held.held_bytes);
    working_ = working_ ? idle >= options.idle_stop_bytes && percent >= options.idle_stop_percent
                        : idle >= options.idle_start_bytes && percent >= options.idle_start_percent;
    // Worse than when it was left alone: then it may have more to give, and is worth another try.
    if (level > level_) not_before_ = now;
    level_ = level;
    const bool wanted = level == PressureLevel::kNone ? working_ : idle >= std::max<uint64_t>(options.pressed_bytes, 1);
    return wanted && now >= not_before_;
  }

  // A slice has ended at `now`.
  void Record(uint64_t gained, absl::Duration now, const BackgroundOptions& options) {
    backoff_ = gained >= options.least_gain_bytes
                   ? absl::ZeroDuration()
                   : std::min(std::max(options.first_backoff, 2 * backoff_), options.longest_backoff);
    not_before_ = now + backoff_;
  }

  bool working() const { return working_; }
  absl::Duration backoff() const { return backoff_; }

 private:
  bool working_ = false;
  PressureLevel level_ = PressureLevel::kNone;
  absl::Duration backoff_ = absl::ZeroDuration();
  absl::Duration not_before_ = -absl::InfiniteDuration();
};

// Of the whole: after processor time c there is rest until c / duty has gone by since the work began.
class DutyPace {
 public:
  explicit DutyPace(double percent) : share_(percent / 100) {}

  void Record(absl::Duration began, absl::Duration cpu) {
    // What is still owed is kept: many short slices in a row rest as long as one of their length.
    not_before_ = std::max(not_before_, began) + cpu / share_;
  }
  absl::Duration not_before() const { return not_before_; }

 private:
  double share_;
  absl::Duration not_before_ = -absl::InfiniteDuration();
};

// The priority of shrinkers: by the level, and one higher for each round in a row that did not gain what was wanted.
class ShrinkPace {
 public:
  int Priority(PressureLevel level) const {
    switch (level) {
      case PressureLevel::kNone:
      case PressureLevel::kSome:
        return std::max(10 - unmet_, 6);
      case PressureLevel::kHigh:
        return std::max(7 - unmet_, 2);
      case PressureLevel::kCritical:
        break;
    }
    return std::max(3 - unmet_, 0);
  }
  void Record(bool met) { unmet_ = met ? 0 : std::min(unmet_ + 1, 16); }

 private:
  int unmet_ = 0;
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_BACKGROUND_PACE_H_
