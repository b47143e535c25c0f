// SPDX-License-Identifier: Apache-2.0
//
// Where the objects of a batch go.
//
// Threads: the pass's.
#ifndef MXA_SLAB_DESTINATIONS_H_
#define MXA_SLAB_DESTINATIONS_H_

#include <cstddef>
#include <vector>

#include "slab/cache_core.h"
#include "slab/compact_options.h"
#include "slab/pass_batch.h"

namespace mxa::slab {

// Up to `count` constructed objects on the batch's node, in slabs that are no victims and, in an evacuation, outside its
// range; CacheCore::ReturnDestinations takes back what is not used. A packing pass takes what lies free, so that it cannot
// end with more slabs than it began with, but for a new slab in place of each critical one; the others may take as many new
// slabs as the batch will give back.
std::vector<void*> TakeDestinations(CacheCore& cache, const CompactOptions& options, const PassBatch& batch,
                                    size_t count);

}  // namespace mxa::slab

#endif  // MXA_SLAB_DESTINATIONS_H_
