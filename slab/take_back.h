// SPDX-License-Identifier: Apache-2.0
//
// Empty slabs of all caches of an arena, for an allocation of one of them that found no memory.
//
// Threads: any. Caches keep empty slabs for a while (CacheOptions::empty_slab_delay), so that memory that nobody uses
// may be in the wrong cache.
#ifndef MXA_SLAB_TAKE_BACK_H_
#define MXA_SLAB_TAKE_BACK_H_

#include <cstddef>

#include "slab/arena.h"

namespace mxa::slab {

class CacheCore;

// Gives the empty slabs of all caches of `arena` back to it; returns how many. Those of caches with a destructor only
// with `may_destroy`: a destructor is somebody else's code, which may take locks that the caller holds.
// Context: no owner section; takes the thread registry's lock; with `may_destroy` calls destructors, after that.
size_t TakeBackEmptySlabs(const Arena& arena, bool may_destroy);

// A new slab for `cache` on `node`, if need be of memory taken back so; false when there is none.
// Context: as TakeBackEmptySlabs with `may_destroy`.
bool AddSlabTakingBack(CacheCore& cache, int node);

}  // namespace mxa::slab

#endif  // MXA_SLAB_TAKE_BACK_H_
