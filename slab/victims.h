// SPDX-License-Identifier: Apache-2.0
//
// Which slabs a pass empties, in which order.
#ifndef MXA_SLAB_VICTIMS_H_
#define MXA_SLAB_VICTIMS_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "slab/compact_options.h"
#include "slab/slab_store.h"

namespace mxa::slab {

// OK, or kInvalidArgument naming the limit that makes no sense.
absl::Status CheckLimits(const CompactOptions& options);

// Chooses from `listed`. kPack: as many slabs as the free objects of the others can take in, those of the sparsest regions
// first, within a region the emptiest first, so that whole regions come free: full slabs only where their region comes free
// with them and no more than half of it is live. With a target_ratio above 1 no more than it takes to get there, and those up to an
// eighth full first, then those up to two, and so on, wherever they are (after illumos, whose threshold rises like that).
// All other modes: all that hold an object.
std::vector<Slab*> ChooseVictims(std::vector<SlabStore::Choice> listed, size_t capacity, const CompactOptions& options);

}  // namespace mxa::slab

#endif  // MXA_SLAB_VICTIMS_H_
