// SPDX-License-Identifier: Apache-2.0
//
// Pressure by stalls: a trigger that the kernel's PSI keeps for this process, on /proc/pressure/memory or the
// memory.pressure of a control group.
//
// The trigger is written once ("some 150000 1000000": tasks stalled for 150 ms within a second) and then waited for with
// poll(2), so that nothing is read as long as nobody stalls. An event counts for a while after it has come.
// Files that are not there, or a kernel that refuses (older ones want CAP_SYS_RESOURCE for a trigger; newer ones let a
// process without it ask for windows of whole multiples of 2 s only): the source says so and stays silent.
#ifndef MXA_RECLAIM_PRESSURE_PSI_H_
#define MXA_RECLAIM_PRESSURE_PSI_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "reclaim/clock.h"
#include "reclaim/pressure.h"

namespace mxa::reclaim {

struct PsiOptions {
  bool full = false;  // stalls of all tasks at once, rather than of some
  absl::Duration stall = absl::Milliseconds(150);
  absl::Duration window = absl::Seconds(2);  // 500 ms to 10 s
  // What an event means, for how long, and how much is wanted: PSI tells no bytes.
  PressureLevel level = PressureLevel::kSome;
  absl::Duration hold = absl::Seconds(2);
  uint64_t step_bytes = uint64_t{32} << 20;
};

// Writes the trigger to `path`.
std::unique_ptr<PressureSource> MakePsiSource(const std::string& path, const PsiOptions& options,
                                              const ReclaimClock& clock = ReclaimClock::System());

// The same with a descriptor that is there, whose `events` stand for the trigger's: for tests. Reopen() closes it.
std::unique_ptr<PressureSource> MakePsiSourceFor(UniqueFd fd, short events, const PsiOptions& options,
                                                 const ReclaimClock& clock);

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_PRESSURE_PSI_H_
