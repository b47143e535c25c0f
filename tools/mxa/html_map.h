// SPDX-License-Identifier: Apache-2.0
//
// The slabs of an arena as inline SVG: a frame for each 2 MiB region, in it a cell for each slab, coloured by how full it
// is, where it lies.
//
// Threads: any.
#ifndef MXA_TOOLS_MXA_HTML_MAP_H_
#define MXA_TOOLS_MXA_HTML_MAP_H_

#include <cstddef>
#include <string>
#include <vector>

#include "tools/mxa/timeline.h"

namespace mxa::tool {

// Colours from occ-0, a few objects, to occ-9, full.
inline constexpr unsigned kOccupancies = 10;
unsigned OccupancyClass(const slab::SlabView& slab);

// The regions that any of `maps` has slabs in, in their order: the frames that all of them are drawn with.
std::vector<size_t> RegionsOf(const std::vector<Timeline::Map>& maps);

// An <svg>. A region of `regions` without slabs is an empty frame. At most 320 frames are drawn.
std::string SvgOf(const Timeline::Map& map, const std::vector<size_t>& regions);
inline constexpr size_t kMostFrames = 320;

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_HTML_MAP_H_
