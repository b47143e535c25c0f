// SPDX-License-Identifier: Apache-2.0
//
// The caches of an arena, one after the other, with no lock held: for who shrinks and compacts them from outside.
//
// Threads: any at once. A cache that somebody is at is not destroyed before he has left it.
// Why not ForEachCache (cache_registry.h): it holds a lock that statistics and new caches wait for, and a pass may last
// for seconds.
#ifndef MXA_SLAB_PINNED_CACHES_H_
#define MXA_SLAB_PINNED_CACHES_H_

#include "absl/functional/function_ref.h"
#include "slab/arena.h"
#include "slab/cache_core.h"

namespace mxa::slab {

// Calls `use` for each living cache of `arena`, in the order of their construction, until it says false. A cache that is
// made or destroyed meanwhile may be left out.
//
// Context: no lock, no owner section. `use` may do all that the user of a cache may, but destroy that cache.
void ForEachPinnedCache(const Arena& arena, absl::FunctionRef<bool(CacheCore&)> use);

}  // namespace mxa::slab

#endif  // MXA_SLAB_PINNED_CACHES_H_
