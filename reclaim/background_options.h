// SPDX-License-Identifier: Apache-2.0
//
// When the background reclaimer works, and how much.
#ifndef MXA_RECLAIM_BACKGROUND_OPTIONS_H_
#define MXA_RECLAIM_BACKGROUND_OPTIONS_H_

#include <cstdint>

#include "absl/time/time.h"

namespace mxa::reclaim {

class ReclaimClock;
class ShrinkerRegistry;

struct BackgroundOptions {
  // Without pressure a source is worked on from the moment when at least so much of it is idle, in bytes and in percent
  // of what it holds,
  uint64_t idle_start_bytes = uint64_t{16} << 20;
  double idle_start_percent = 25;
  // until less than this is, in bytes or in percent. Below the marks above.
  uint64_t idle_stop_bytes = uint64_t{4} << 20;
  double idle_stop_percent = 10;
  // Under pressure: whatever idles at least this much.
  uint64_t pressed_bytes = uint64_t{256} << 10;

  // Of one processor, on average over each slice and the rest after it.
  double duty_percent = 10;
  // Time from one look at pressure and sources to the next. Events of PSI do not wait for it.
  absl::Duration period = absl::Milliseconds(500);
  // A round of slices ends after this much processor time; a source that can cut its work is asked to.
  absl::Duration slice = absl::Milliseconds(10);

  // A source whose slice gains less than this is left alone for a while, each time twice as long, up to the cap.
  uint64_t least_gain_bytes = uint64_t{64} << 10;
  absl::Duration first_backoff = absl::Seconds(1);
  absl::Duration longest_backoff = absl::Minutes(1);

  // Null: ShrinkerRegistry::Default(), and the system's clocks. Outlive the reclaimer.
  ShrinkerRegistry* shrinkers = nullptr;
  const ReclaimClock* clock = nullptr;
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_BACKGROUND_OPTIONS_H_
