// SPDX-License-Identifier: Apache-2.0
#include "reclaim/pressure_monitor.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "reclaim/fork_hold.h"
#include "reclaim/pressure_cgroup.h"
#include "reclaim/pressure_process.h"
#include "reclaim/pressure_psi.h"
#include "reclaim/rcu.h"

namespace mxa::reclaim {
namespace {

// The stalls of the innermost group that tells its own, or of the machine.
std::string PsiFile(const PressureOptions& options, const std::vector<CgroupFolder>& groups) {
  for (const CgroupFolder& group : groups) {
    const std::string path = absl::StrCat(group.path, "/memory.pressure");
    if (group.version == CgroupVersion::kV2 && access(path.c_str(), R_OK) == 0) return path;
  }
  return absl::StrCat(options.proc, "/pressure/memory");
}

// For poll(2): rounded up, or it would return just before the time is over, again and again.
int PollMilliseconds(absl::Duration timeout) {
  if (timeout <= absl::ZeroDuration()) return 0;
  return static_cast<int>(
      absl::ToInt64Milliseconds(absl::Ceil(std::min(timeout, absl::Hours(24)), absl::Milliseconds(1))));
}

}  // namespace

PressureMonitor::PressureMonitor(std::vector<std::unique_ptr<PressureSource>> sources)
    : sources_(std::move(sources)), status_(sources_.size()) {
  for (size_t i = 0; i < sources_.size(); ++i) {
    status_[i].name = sources_[i]->name();
    status_[i].problem = sources_[i]->problem();
  }
}

std::unique_ptr<PressureMonitor> PressureMonitor::OfSystem(const PressureOptions& options, const ReclaimClock& clock) {
  std::vector<std::unique_ptr<PressureSource>> sources;
  const std::vector<CgroupFolder> groups = FindCgroups(options.proc, options.cgroup);
  if (options.psi) {
    const std::string path = PsiFile(options, groups);
    PsiOptions psi = {.full = false,
                      .stall = options.psi_stall,
                      .window = options.psi_window,
                      .level = PressureLevel::kSome,
                      .hold = options.psi_window,
                      .step_bytes = options.psi_step_bytes};
    sources.push_back(MakePsiSource(path, psi, clock));
    psi.full = true;
    psi.stall = options.psi_full_stall;
    psi.level = PressureLevel::kHigh;
    psi.step_bytes = 4 * options.psi_step_bytes;
    sources.push_back(MakePsiSource(path, psi, clock));
  }
  if (options.cgroups) {
    for (const CgroupFolder& group : groups) sources.push_back(MakeCgroupSource(group.version, group.path));
  }
  if (options.rss_target_bytes != 0) sources.push_back(MakeRssSource(options.proc, options.rss_target_bytes));
  if (options.free_floor_bytes != 0) sources.push_back(MakeFreeMemorySource(options.proc, options.free_floor_bytes));
  return std::make_unique<PressureMonitor>(std::move(sources));
}

bool PressureMonitor::Wait(absl::Duration timeout, int wake_fd) {
  std::vector<pollfd> polled = {{.fd = wake_fd, .events = POLLIN, .revents = 0}};
  for (const auto& source : sources_) polled.push_back({.fd = source->fd(), .events = source->events(), .revents = 0});
  int ready;
  {
    const OfflineScope offline;
    ready = poll(polled.data(), polled.size(), PollMilliseconds(timeout));
  }
  if (ready <= 0) return false;
  const ForkHold hold;
  for (size_t i = 0; i < sources_.size(); ++i) {
    if (polled[i + 1].revents != 0) sources_[i]->OnEvent(polled[i + 1].revents);
  }
  return true;
}

Pressure PressureMonitor::Read() {
  const ForkHold hold;  // no source is half changed in a child
  Pressure worst;
  uint64_t worst_wanted = 0;  // by the source that is named
  std::vector<PressureReading> readings;
  for (const auto& source : sources_) {
    readings.push_back(source->Read());
    const PressureReading& reading = readings.back();
    if (reading.level == PressureLevel::kNone) continue;
    if (std::pair(reading.level, reading.wanted_bytes) > std::pair(worst.level, worst_wanted)) {
      worst_wanted = reading.wanted_bytes;
      worst.level = reading.level;
      worst.source = source->name();
    }
    worst.wanted_bytes = std::max(worst.wanted_bytes, reading.wanted_bytes);
  }
  MutexLock lock(&mutex_);
  for (size_t i = 0; i < sources_.size(); ++i) {
    status_[i].problem = sources_[i]->problem();
    status_[i].last = readings[i];
    if (readings[i].level != PressureLevel::kNone) ++status_[i].readings;
  }
  return worst;
}

void PressureMonitor::Reopen() {
  const ForkHold hold;
  for (const auto& source : sources_) source->Reopen();
}

std::vector<PressureSourceStatus> PressureMonitor::Status() const {
  const ForkHold hold;
  MutexLock lock(&mutex_);
  return status_;
}

}  // namespace mxa::reclaim
