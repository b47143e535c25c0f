// SPDX-License-Identifier: Apache-2.0
//
// A snapshot as a map for the eye: how full each slab is, and where in its region it lies.
//
// Threads: any; no state.
#ifndef MXA_SLAB_OBSERVE_OCCUPANCY_TEXT_H_
#define MXA_SLAB_OBSERVE_OCCUPANCY_TEXT_H_

#include <string>

#include "slab/observe/snapshot.h"

namespace mxa::slab::observe {

// A legend; then, for each cache, a line per region that it has slabs in. See RegionMap for the characters.
std::string OccupancyText(const Snapshot& snapshot);

}  // namespace mxa::slab::observe

#endif  // MXA_SLAB_OBSERVE_OCCUPANCY_TEXT_H_
