// SPDX-License-Identifier: Apache-2.0
//
// What an arena tells of its regions one by one.
#include "slab/arena.h"

namespace mxa::slab {

std::vector<uint8_t> Arena::UnitsUsed() const {
  MutexLock lock(&mutex_);
  std::vector<uint8_t> used;
  used.reserve(regions_.size());
  for (const Region& region : regions_) {
    used.push_back(static_cast<uint8_t>(region.used()));
  }
  return used;
}

std::vector<Arena::RegionUse> Arena::Use() const {
  MutexLock lock(&mutex_);
  std::vector<RegionUse> use;
  use.reserve(regions_.size());
  for (const Region& region : regions_) {
    use.push_back({region.free_units, region.pinned_units, region.isolated_units});
  }
  return use;
}

}  // namespace mxa::slab
