// SPDX-License-Identifier: Apache-2.0
//
// All living caches, for whoever looks at them from outside: reports, servers of figures, reclaim.
//
// Invariants:
//   Rg1  a cache is listed from the end of Cache::Create to the beginning of ~Cache.
//   Rg2  while a function looks at the caches, none comes or goes: Create and ~Cache wait for it.
// Threads: any. One process-wide lock, which comes after an array lock and before the recycle lock, the thread
// registry's lock and all after it. A fork waits for who looks, and may not come from inside ForEachCache. (CHECKed)
// Why not the thread registry's list (AllCaches): its lock is held by what a cache's statistics themselves wait for, and
// a cache is still on it while it is being torn down.
#ifndef MXA_SLAB_CACHE_REGISTRY_H_
#define MXA_SLAB_CACHE_REGISTRY_H_

#include "absl/functional/function_ref.h"
#include "slab/cache.h"

namespace mxa::slab {

// Calls `visit` for each living cache, in the order in which they were created.
//
// `visit` may use the cache's statistics, and allocate and free. It must not create or destroy a cache or call
// ForEachCache (CHECKed), take an array lock, or wait for a grace period: Shrink and Compact are not for here.
// Context: no recycling (rcu_destructor), no CanFree, no lock of a cache's.    (CHECKed in part)
void ForEachCache(absl::FunctionRef<void(Cache&)> visit);

// For Cache alone.
// Context: waits for a ForEachCache under way. Not inside one, nor inside a reclaim callback.    (CHECKed)
void RegisterCache(Cache& cache);
void UnregisterCache(Cache& cache);

}  // namespace mxa::slab

#endif  // MXA_SLAB_CACHE_REGISTRY_H_
