// SPDX-License-Identifier: Apache-2.0
#include "reclaim/pressure.h"

namespace mxa::reclaim {

absl::string_view PressureLevelName(PressureLevel level) {
  switch (level) {
    case PressureLevel::kNone:
      return "none";
    case PressureLevel::kSome:
      return "some";
    case PressureLevel::kHigh:
      return "high";
    case PressureLevel::kCritical:
      return "critical";
  }
  return "?";
}

PressureReading JudgeUsage(uint64_t usage, uint64_t limit, const PressureMarks& marks) {
  if (limit == 0) return {};
  const double share = static_cast<double>(usage) / static_cast<double>(limit);
  PressureReading reading;
  if (share < marks.some) return reading;
  reading.level = share >= marks.critical ? PressureLevel::kCritical
                  : share >= marks.high   ? PressureLevel::kHigh
                                          : PressureLevel::kSome;
  const auto target = static_cast<uint64_t>(static_cast<double>(limit) * marks.target);
  reading.wanted_bytes = usage > target ? usage - target : 1;
  return reading;
}

}  // namespace mxa::reclaim
