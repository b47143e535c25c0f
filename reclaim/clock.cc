// SPDX-License-Identifier: Apache-2.0
#include "reclaim/clock.h"

#include <time.h>

#include "base/check.h"

namespace mxa::reclaim {
namespace {

absl::Duration Read(clockid_t clock) {
  timespec time;
  MXA_CHECK(clock_gettime(clock, &time) == 0, "a clock that every Linux has cannot be read");
  return absl::DurationFromTimespec(time);
}

class SystemClock : public ReclaimClock {
 public:
  absl::Duration Now() const override { return Read(CLOCK_MONOTONIC); }
  absl::Duration ThreadCpu() const override { return Read(CLOCK_THREAD_CPUTIME_ID); }
};

// Made before main, so that no fork comes between (reclaim/fork.h, F3), and never destroyed.
const ReclaimClock& system_clock = *new SystemClock;

}  // namespace

const ReclaimClock& ReclaimClock::System() { return system_clock; }

}  // namespace mxa::reclaim
