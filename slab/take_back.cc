// SPDX-License-Identifier: Apache-2.0
#include "slab/take_back.h"

#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/schedule_point.h"
#include "slab/cache_core.h"
#include "slab/thread_registry.h"

namespace mxa::slab {

size_t TakeBackEmptySlabs(const Arena& arena, bool may_destroy) {
  std::vector<std::pair<SlabStore*, std::vector<Slab*>>> detached;
  {
    MutexLock lock(&ThreadRegistryMutex());
    for (CacheCore* cache = AllCaches().front(); cache != nullptr; cache = AllCaches().next(*cache)) {
      if (&cache->arena() != &arena) continue;
      if (cache->options().destructor != nullptr && !may_destroy) continue;
      std::vector<Slab*> slabs = cache->store().DetachEmpty(0);
      if (!slabs.empty()) detached.emplace_back(&cache->store(), std::move(slabs));
    }
  }
  MXA_SCHEDULE_POINT("take_back.detached");
  size_t count = 0;
  for (auto& [store, slabs] : detached) count += store->GiveBackDetached(slabs);
  return count;
}

bool AddSlabTakingBack(CacheCore& cache, int node) {
  if (cache.store().AddSlab(node)) return true;
  return TakeBackEmptySlabs(cache.arena(), /*may_destroy=*/true) != 0 && cache.store().AddSlab(node);
}

}  // namespace mxa::slab
