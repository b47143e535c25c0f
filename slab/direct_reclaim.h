// SPDX-License-Identifier: Apache-2.0
//
// The last resort of an allocation that may wait and has found no memory: memory that other caches of its arena can do
// without, and what shrinkers drop.
//
// Threads: any. One at a time; who comes meanwhile waits, and takes what the one before it has made.
#ifndef MXA_SLAB_DIRECT_RECLAIM_H_
#define MXA_SLAB_DIRECT_RECLAIM_H_

#include "slab/arena.h"
#include "slab/cache_core.h"

namespace mxa::slab {

// Compacts movable caches of `arena` that hold a slab or more beyond what their objects need, `needy` left out, until
// the arena has got a run back; failing that, asks shrinkers that allow it (ShrinkerOptions::direct), at a rising
// priority, until what they dropped gave `needy` a place or the arena a run. False when nothing was gained, so that trying again is of no use.
//
// Context: no array lock, read section or reclaim callback, not inside a pass or another DirectReclaim of this
// thread (false at once). Waits for grace periods, as memory comes back only after them.
bool DirectReclaim(const Arena& arena, CacheCore& needy);

// In the child of a fork, where nobody is inside.
void RenewDirectReclaimInChild();

}  // namespace mxa::slab

#endif  // MXA_SLAB_DIRECT_RECLAIM_H_
