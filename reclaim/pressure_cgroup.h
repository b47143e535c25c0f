// SPDX-License-Identifier: Apache-2.0
//
// Pressure from the memory limits of one control group, by version 1 or 2 of their files.
//
// v2: memory.current against the smaller of memory.high and memory.max; memory.events: a "high" or "max" more than at the
// last look means kHigh, an "oom" more kCritical.
// v1: memory.usage_in_bytes against memory.limit_in_bytes; memory.failcnt: more than at the last look means kHigh.
// File pages that nobody used lately (inactive_file in memory.stat) count as free: the kernel takes them first, by
// itself, and a group that reads large files is always at its limit.
#ifndef MXA_RECLAIM_PRESSURE_CGROUP_H_
#define MXA_RECLAIM_PRESSURE_CGROUP_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "reclaim/pressure.h"

namespace mxa::reclaim {

inline constexpr PressureMarks kCgroupMarks = {.some = 0.90, .high = 0.95, .critical = 0.98, .target = 0.85};

enum class CgroupVersion : uint8_t { kV1, kV2 };

// A source for the group in folder `path`.
std::unique_ptr<PressureSource> MakeCgroupSource(CgroupVersion version, const std::string& path,
                                                 const PressureMarks& marks = kCgroupMarks);

struct CgroupFolder {
  CgroupVersion version;
  std::string path;
};

// The folders of the groups whose memory limits bind this process, innermost first: its own and those above, as far as
// they are to be seen. `proc` is /proc, `cgroup` /sys/fs/cgroup. Where the process's own folder is not mounted (in a
// container, say), what is mounted at the top stands in for it.
std::vector<CgroupFolder> FindCgroups(const std::string& proc, const std::string& cgroup);

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_PRESSURE_CGROUP_H_
