// SPDX-License-Identifier: Apache-2.0
//
// Critical slabs: made of runs of a page pool, and its again when they are empty.
//
// They are on no allocation list, so that nobody but an allocation that names the pool gets an object of them; and what
// is freed to them goes straight to its map, so that no sheaf holds one of them back. That a free looks at them at all
// is the doing of CacheCore: it keeps the cache's threads on the slow path as long as it has a critical slab.
#include <algorithm>
#include <vector>

#include "base/bitmap.h"
#include "base/check.h"
#include "slab/cache_hooks.h"
#include "slab/notifier.h"
#include "slab/page_pool.h"
#include "slab/slab_store.h"

namespace mxa::slab {

bool SlabStore::AddCriticalSlab(Slab* run, PagePool& pool) {
  Consent consent(options_.notifiers, {CacheEventKind::kNewSlab, options_.name, run->objects, units_ * kUnitSize});
  if (!consent.granted()) {
    hooks_->counters->Add(Count::kVeto);
    return false;
  }
  // No more objects than have their maps in the descriptor: there may be no memory for others.
  MXA_CHECK(Furnish(*run, std::min(capacity_, Slab::kInlineObjects)), "maps that need no memory");
  {
    MutexLock lock(&mutex_);
    run->pool = &pool;
    run->SetCritical();
    run->state = SlabState::kCritical;
    critical_.PushFront(*run);
    CountNewLocked(*run);
  }
  consent.Commit();
  return true;
}

void* SlabStore::TakeCritical(const PagePool& pool) {
  MutexLock lock(&mutex_);
  for (Slab* slab = critical_.front(); slab != nullptr && slab->live < slab->capacity; slab = critical_.next(*slab)) {
    if (slab->pool != &pool) continue;
    const size_t index = bitmap::FindFirst(slab->free_map(), slab->capacity);
    bitmap::Clear(slab->free_map(), index);
    SetLiveLocked(*slab, slab->live + 1u);
    return At(*slab, index);
  }
  return nullptr;
}

void SlabStore::RestLocked(Slab& slab) {
  if (slab.pool == nullptr) return ListsOf(slab).Insert(slab);
  slab.state = SlabState::kCritical;
  if (slab.live == 0) {
    emptied_.PushBack(slab);
    // Relaxed: the one who emptied it looks after it has done so; see ReleaseEmptiedCritical.
    emptied_count_.store(emptied_.size(), std::memory_order_relaxed);
  } else if (slab.live < slab.capacity) {
    critical_.PushFront(slab);
  } else {
    critical_.PushBack(slab);
  }
}

bool SlabStore::ReleaseEmptiedCritical() {
  if (emptied_count_.load(std::memory_order_relaxed) == 0) return false;
  Slab* slab;
  {
    MutexLock lock(&mutex_);
    slab = emptied_.front();
    if (slab == nullptr) return false;
    emptied_.Remove(*slab);
    emptied_count_.store(emptied_.size(), std::memory_order_relaxed);
    PrepareRelease(*slab);
  }
  Strip(*slab);
  slab->pool->Put(slab);
  return true;
}

size_t SlabStore::critical_slabs() {
  MutexLock lock(&mutex_);
  return counts_.critical;
}

std::vector<Slab*> SlabStore::PlanCritical() {
  std::vector<Slab*> planned;
  MutexLock lock(&mutex_);
  while (Slab* slab = critical_.front()) {
    critical_.Remove(*slab);
    slab->state = SlabState::kPlanned;
    planned.push_back(slab);
  }
  for (auto slab = planned.rbegin(); slab != planned.rend(); ++slab) planned_.PushFront(**slab);
  return planned;
}

}  // namespace mxa::slab
