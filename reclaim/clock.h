// SPDX-License-Identifier: Apache-2.0
//
// The time that reclaim goes by: elapsed, and that which the calling thread has spent on a processor.
//
// Threads: any. Tests have clocks of their own.
#ifndef MXA_RECLAIM_CLOCK_H_
#define MXA_RECLAIM_CLOCK_H_

#include "absl/time/time.h"

namespace mxa::reclaim {

class ReclaimClock {
 public:
  virtual ~ReclaimClock() = default;

  // Since some moment in the past; goes on evenly, whatever becomes of the date.
  virtual absl::Duration Now() const = 0;
  // Processor time of the calling thread so far.
  virtual absl::Duration ThreadCpu() const = 0;

  // The system's clocks; lives until the process ends.
  static const ReclaimClock& System();
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_CLOCK_H_
