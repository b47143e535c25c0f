// SPDX-License-Identifier: Apache-2.0
//
// Which slabs a pass empties, in which order.
#ifndef MXA_SLAB_VICTIMS_H_
#define MXA_SLAB_VICTIMS_H_

#include <cstddef>
#include <vector>

#include "slab/compact_options.h"
#include "slab/slab_store.h"

namespace mxa::slab {

// Chooses from `listed`, which it may reorder. kPack: as many partial slabs as the free objects of the others can take
// in, those of the sparsest regions first, within a region the emptiest first, so that whole regions come free.
// kMoveEverything: all that hold an object.
std::vector<Slab*> ChooseVictims(std::vector<SlabStore::Choice> listed, size_t capacity, CompactOptions::Mode mode);

}  // namespace mxa::slab

#endif  // MXA_SLAB_VICTIMS_H_
