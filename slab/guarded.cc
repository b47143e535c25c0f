// SPDX-License-Identifier: Apache-2.0
//
// Sampled allocations: now and then an object lies between pages that fault rather than in a slab (guard/guard_pool.h).
//
// The range of such objects begins where the arena's slabs end, so the test against the fence that every fast free makes
// sends them here. They enter no sheaf, and no pass sees them.
#include "reclaim/context.h"
#include "slab/cache_core.h"
#include "slab/guard/guard_pool.h"

namespace mxa::slab {

void* CacheCore::AllocateGuarded() {
  if (!guard_sampler_.ShouldGuard()) return nullptr;
  void* object = arena_.Guards().Allocate(options_.object_size, options_.alignment, options_.name, this);
  if (object == nullptr) return nullptr;
  if (options_.constructor != nullptr) options_.constructor(object);
  guarded_.fetch_add(1, std::memory_order_relaxed);
  counters_.Add(Count::kGuarded);
  return object;
}

void CacheCore::FreeGuarded(void* object) {
  arena_.Guards().Free(object, this);
  guarded_.fetch_sub(1, std::memory_order_relaxed);
}

void CacheCore::FreeRcuGuarded(void* object) {
  retirements_.fetch_add(1, std::memory_order_relaxed);
  arena_.Guards().FreeRcu(object, this, options_.rcu_destructor);
  guarded_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace mxa::slab
