// SPDX-License-Identifier: Apache-2.0
//
// What the arrays hold and what that costs, at a moment of rest.
//
// Threads: MeasureFootprint while no other thread is inside the population.
#ifndef MXA_TOOLS_MXA_FOOTPRINT_H_
#define MXA_TOOLS_MXA_FOOTPRINT_H_

#include <cstddef>
#include <cstdint>

#include "tools/mxa/population.h"

namespace mxa::tool {

struct Footprint {
  uint64_t arrays = 0;  // with an entry
  uint64_t entries = 0;
  uint64_t nodes = 0;
  uint64_t slabs_held = 0;
  uint64_t slabs_needed = 0;
  uint64_t resident_bytes = 0;     // of the nodes' arena and its descriptors, as the kernel tells
  uint64_t live_packed_bytes = 0;  // of the nodes alone
  uint64_t regions_held = 0;
  uint64_t regions_needed = 0;

  // 0 when there are no nodes.
  double resident_over_live() const {
    return live_packed_bytes == 0 ? 0 : static_cast<double>(resident_bytes) / static_cast<double>(live_packed_bytes);
  }
};

// Frees what waits for a grace period and gives back what can go without moving anything, then measures. `entries`: how
// many the caller knows to be there.
// Context: waits for grace periods.
Footprint MeasureFootprint(Population& population, uint64_t entries);

// The most that may be resident when nodes are packed: a tenth for what is partly filled, and four slabs for a small
// cache's ends.
uint64_t MostResidentWhenPacked(const Footprint& footprint);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_FOOTPRINT_H_
