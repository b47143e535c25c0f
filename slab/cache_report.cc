// SPDX-License-Identifier: Apache-2.0
//
// What a cache says of itself: where its objects are, and what its passes did.
#include <algorithm>

#include "base/check.h"
#include "reclaim/context.h"
#include "slab/cache_core.h"

namespace mxa::slab {

CacheStats CacheCore::Stats() {
  MXA_CHECK(reclaim::tls_context.can_free == 0, "statistics inside CanFree");
  MXA_CHECK(reclaim::tls_context.recycling != this, "statistics of a cache inside its rcu_destructor");
  // Nothing is on its way from retired to cached or free while we count.
  MutexLock recycle_lock(&recycle_mutex_);
  // Nor from a sheaf to its slab: the housekeeper empties sheaves though all threads are at rest.
  MutexLock registry_lock(&ThreadRegistryMutex());
  CacheStats stats;
  stats.object_size = options_.object_size;
  stats.objects_per_slab = store_.capacity();
  const SlabStore::Counts counts = store_.GetCounts();
  stats.slabs = counts.slabs;
  stats.empty_slabs = counts.empty;
  stats.slabs_created = counts.created;
  stats.slabs_released = counts.released;
  stats.free = counts.places - counts.allocated;
  stats.critical_slabs = counts.critical;
  stats.guarded = guarded_.load(std::memory_order_relaxed);
  if (hooked() && hooks_->quarantine != nullptr) stats.cached += hooks_->quarantine->size();
  stats.retired = retired_.load(std::memory_order_relaxed);
  for (const Barn& barn : barns_) stats.cached += barn.cached_objects();
  {
    MutexLock lock(&marked_mutex_);
    if (marked_retired_ != nullptr) stats.retired += marked_retired_->size();
  }
  BeginSlowLocked();
  for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
    ForeignSection section(*sheaves);
    stats.cached += sheaves->main->size();
    if (sheaves->spare != nullptr) stats.cached += sheaves->spare->size();
    if (sheaves->rcu_free != nullptr) stats.retired += sheaves->rcu_free->size();
  }
  EndSlowLocked();
  const size_t elsewhere = stats.cached + stats.retired;
  stats.live = counts.allocated > elsewhere ? counts.allocated - elsewhere : 0;
  stats.counts = counters_.Read();
  return stats;
}

size_t CacheCore::SurplusSlabs() {
  const SlabStore::Counts counts = store_.GetCounts();
  const size_t needed = (counts.allocated + store_.capacity() - 1) / store_.capacity();
  return counts.slabs - std::min(counts.slabs, needed);
}

void CacheCore::AddCompactStats(const CompactStats& stats) {
  MutexLock lock(&totals_mutex_);
  totals_.Add(stats);
}

CompactStats CacheCore::TotalCompactStats() {
  MutexLock lock(&totals_mutex_);
  return totals_;
}

}  // namespace mxa::slab
