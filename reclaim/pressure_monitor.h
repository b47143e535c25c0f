// SPDX-License-Identifier: Apache-2.0
//
// Several sources of pressure as one: the worst level, the most bytes wanted, and which source says so.
//
//   auto monitor = PressureMonitor::OfSystem({.rss_target_bytes = size_t{8} << 30});
//   monitor->Wait(absl::Seconds(1), -1);
//   Pressure pressure = monitor->Read();
//
// Threads: Wait, Read and Reopen by one thread at a time, the monitor's owner; Status by any.
// Fork: the child calls Reopen before it uses the monitor.
#ifndef MXA_RECLAIM_PRESSURE_MONITOR_H_
#define MXA_RECLAIM_PRESSURE_MONITOR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/mutex.h"
#include "reclaim/clock.h"
#include "reclaim/pressure.h"

namespace mxa::reclaim {

struct Pressure {
  PressureLevel level = PressureLevel::kNone;
  uint64_t wanted_bytes = 0;
  std::string source;  // of the level; of several with the same, the one that wants the most
};

struct PressureSourceStatus {
  std::string name;
  std::string problem;  // "": it works
  PressureReading last;
  uint64_t readings = 0;  // that were not kNone
};

// What OfSystem looks at. Each of them is left out where the system has no such thing, which Status() tells.
struct PressureOptions {
  bool psi = true;
  bool cgroups = true;
  uint64_t rss_target_bytes = 0;  // 0: none
  uint64_t free_floor_bytes = 0;  // 0: none
  absl::Duration psi_stall = absl::Milliseconds(150);
  absl::Duration psi_full_stall = absl::Milliseconds(100);
  absl::Duration psi_window = absl::Seconds(2);
  uint64_t psi_step_bytes = uint64_t{32} << 20;
  // Where the system's files are; tests have folders of their own.
  std::string proc = "/proc";
  std::string cgroup = "/sys/fs/cgroup";
};

class PressureMonitor {
 public:
  explicit PressureMonitor(std::vector<std::unique_ptr<PressureSource>> sources);
  PressureMonitor(const PressureMonitor&) = delete;
  PressureMonitor& operator=(const PressureMonitor&) = delete;

  static std::unique_ptr<PressureMonitor> OfSystem(const PressureOptions& options = {},
                                                   const ReclaimClock& clock = ReclaimClock::System());

  // Waits until a source reports an event, `wake_fd` (-1: none) is readable, or the time is over; false then, or when a
  // signal came.
  // Context: no read section.    (CHECKed)
  bool Wait(absl::Duration timeout, int wake_fd);

  // Asks every source.
  Pressure Read();

  void Reopen();

  std::vector<PressureSourceStatus> Status() const;

 private:
  const std::vector<std::unique_ptr<PressureSource>> sources_;
  mutable Mutex mutex_;  // a leaf lock, held only inside a ForkHold
  std::vector<PressureSourceStatus> status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_PRESSURE_MONITOR_H_
