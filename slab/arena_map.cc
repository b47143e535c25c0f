// SPDX-License-Identifier: Apache-2.0
//
// What an arena tells of its regions one by one.
#include <bit>

#include "slab/arena.h"

namespace mxa::slab {

std::vector<uint8_t> Arena::UnitsUsed() const {
  MutexLock lock(&mutex_);
  std::vector<uint8_t> used;
  used.reserve(regions_.size());
  for (const Region& region : regions_) {
    used.push_back(static_cast<uint8_t>(kUnitsPerRegion - static_cast<size_t>(std::popcount(region.free_units))));
  }
  return used;
}

}  // namespace mxa::slab
