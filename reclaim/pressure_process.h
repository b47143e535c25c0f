// SPDX-License-Identifier: Apache-2.0
//
// Pressure by two figures of /proc: what this process holds against a target, and what the machine has left against a
// floor.
#ifndef MXA_RECLAIM_PRESSURE_PROCESS_H_
#define MXA_RECLAIM_PRESSURE_PROCESS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "reclaim/pressure.h"

namespace mxa::reclaim {

// Of the resident bytes (the second number of /proc/self/statm) against `target_bytes`: a wish, not a limit, so that it
// may be exceeded.
inline constexpr PressureMarks kRssMarks = {.some = 1.0, .high = 1.1, .critical = 1.25, .target = 0.95};
std::unique_ptr<PressureSource> MakeRssSource(const std::string& proc, uint64_t target_bytes,
                                              const PressureMarks& marks = kRssMarks);

// Of MemAvailable in /proc/meminfo: kSome below `floor_bytes`, kHigh below half of it, kCritical below a quarter.
// Wanted is what lacks to nine eighths of the floor.
std::unique_ptr<PressureSource> MakeFreeMemorySource(const std::string& proc, uint64_t floor_bytes);

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_PRESSURE_PROCESS_H_
