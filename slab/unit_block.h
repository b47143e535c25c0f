// SPDX-License-Identifier: Apache-2.0
//
// Units of an arena, regions made of them, and blocks of neighbouring units by number.
//
// Threads: plain data.
#ifndef MXA_SLAB_UNIT_BLOCK_H_
#define MXA_SLAB_UNIT_BLOCK_H_

#include <cstddef>
#include <cstdint>

namespace mxa::slab {

inline constexpr size_t kUnitSize = size_t{64} << 10;
inline constexpr size_t kRegionSize = size_t{2} << 20;
inline constexpr size_t kUnitsPerRegion = kRegionSize / kUnitSize;

// Whether what lies in a run can be moved away: only a pass over a movable cache does that.
enum class Mobility : uint8_t { kMovable, kUnmovable };

// `units` neighbouring units, a power of two; more than kUnitsPerRegion are whole regions.
struct UnitBlock {
  size_t first = 0;  // number of the first unit
  size_t units = 0;

  size_t end() const { return first + units; }
  size_t bytes() const { return units * kUnitSize; }
  bool operator==(const UnitBlock&) const = default;
};

// Bits of `units` units from `first` on, in a word of a region.
constexpr uint32_t UnitMask(size_t first, size_t units) {
  return units == kUnitsPerRegion ? ~uint32_t{0} : ((uint32_t{1} << units) - 1) << first;
}

}  // namespace mxa::slab

#endif  // MXA_SLAB_UNIT_BLOCK_H_
