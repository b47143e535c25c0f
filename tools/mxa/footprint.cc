// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/footprint.h"

namespace mxa::tool {

Footprint MeasureFootprint(Population& population, uint64_t entries) {
  population.AwaitRetired();
  population.nodes().slabs().Shrink();
  const slab::CacheStats stats = population.nodes().slabs().Stats();
  Footprint footprint;
  for (uint32_t id = 0; id < population.arrays(); ++id) footprint.arrays += population.array(id).empty() ? 0 : 1;
  footprint.entries = entries;
  footprint.nodes = stats.live;
  footprint.slabs_held = stats.slabs;
  footprint.slabs_needed = stats.slabs_needed();
  footprint.resident_bytes = population.node_arena().Residency().total();
  footprint.live_packed_bytes = stats.live * sizeof(xarray::Node);
  footprint.regions_held = population.node_arena().regions_held();
  footprint.regions_needed = (footprint.slabs_needed + slab::kUnitsPerRegion - 1) / slab::kUnitsPerRegion;
  return footprint;
}

uint64_t MostResidentWhenPacked(const Footprint& footprint) {
  return footprint.live_packed_bytes + footprint.live_packed_bytes / 10 + 4 * slab::kUnitSize;
}

}  // namespace mxa::tool
