// SPDX-License-Identifier: Apache-2.0
//
// How fast the index is walked and asked, by one thread while nothing else goes on: what the places of the nodes make of
// it.
//
// Threads: one, while no other is inside.
#ifndef MXA_TOOLS_MXA_WALK_SPEED_H_
#define MXA_TOOLS_MXA_WALK_SPEED_H_

#include "tools/mxa/population.h"

namespace mxa::tool {

struct WalkSpeed {
  double walk_ns = 0;  // an entry met, over all arrays in turn
  double load_ns = 0;  // an entry asked for, at random
};

// The fastest of three rounds each. REQUIRES: Population::Drop has been called.
WalkSpeed MeasureWalkSpeed(const Population& population, uint64_t seed);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_WALK_SPEED_H_
