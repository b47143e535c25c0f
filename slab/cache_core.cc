// SPDX-License-Identifier: Apache-2.0
//
// Allocation and free: the slow paths behind the thread's own sheaves.
#include "slab/cache_core.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "reclaim/context.h"
#include "reclaim/retire.h"
#include "slab/membarrier.h"

namespace mxa::slab {
namespace {

// Larger objects get smaller sheaves, so that what a thread holds back is bounded in bytes.
size_t DefaultSheafCapacity(size_t object_size) {
  if (object_size >= 4096) return 8;
  if (object_size >= 1024) return 16;
  if (object_size >= 256) return 32;
  return 64;
}

}  // namespace

CacheCore::CacheCore(const CacheOptions& options)
    : options_(options),
      arena_(*options.arena),
      sheaf_capacity_(options.sheaf_capacity != 0 ? options.sheaf_capacity : DefaultSheafCapacity(options.object_size)),
      barn_(arena_),
      store_(this, options_, arena_) {
  // The queue's thread starts now rather than under locks.
  reclaim::GetRetireStats();
  MutexLock lock(&ThreadRegistryMutex());
  id_ = AcquireCacheId();
}

CacheCore::~CacheCore() {
  FreeRcuBarrier();
  BeginSlow();
  FlushAllSheaves();
  EndSlow();
  MutexLock lock(&ThreadRegistryMutex());
  while (ThreadSheaves* sheaves = threads_.front()) RemoveSheaves(sheaves);
  ReleaseCacheId(id_);
}

ThreadSheaves& CacheCore::CurrentSheaves() {
  if (ThreadSheaves* sheaves = FindThreadSheaves(id_)) return *sheaves;
  auto* sheaves = new ThreadSheaves;
  sheaves->cache = this;
  sheaves->main = Sheaf::New(this, sheaf_capacity_);
  sheaves->spare = Sheaf::New(this, sheaf_capacity_);
  size_t threads;
  {
    MutexLock lock(&ThreadRegistryMutex());
    // Relaxed: published to other threads by the registry's lock.
    sheaves->slow.store(slow_requests_ > 0 || !HaveMembarrier() ? 1 : 0, std::memory_order_relaxed);
    threads_.PushBack(*sheaves);
    AddThreadSheaves(id_, sheaves);
    threads = threads_.size();
  }
  barn_.SetLimit(4 + 2 * threads);
  return *sheaves;
}

void CacheCore::RemoveSheaves(ThreadSheaves* sheaves) {
  RemoveThreadSheaves(id_, sheaves);
  threads_.Remove(*sheaves);
  Sheaf::Delete(sheaves->main);
  Sheaf::Delete(sheaves->spare);
  if (sheaves->rcu_free != nullptr) Sheaf::Delete(sheaves->rcu_free);
  delete sheaves;
}

void CacheCore::OnThreadExit(ThreadSheaves* sheaves) {
  // Drains run under the registry's lock, so none is looking at these sheaves; one that begins later finds the objects
  // in their slabs.
  store_.Return(sheaves->main->span());
  store_.Return(sheaves->spare->span());
  if (sheaves->rcu_free != nullptr && !sheaves->rcu_free->empty()) {
    RetireSheaf(std::exchange(sheaves->rcu_free, nullptr));
  }
  RemoveSheaves(sheaves);
}

// One owner section: an object from the thread's sheaves, the barn, or straight from the slabs into the sheaf.
bool CacheCore::TakeFromSection(ThreadSheaves& sheaves, void** object) {
  OwnerSection section(sheaves);
  if (sheaves.main->empty() && !sheaves.spare->empty()) std::swap(sheaves.main, sheaves.spare);
  if (sheaves.main->empty()) {
    if (Sheaf* full = barn_.TakeFull()) barn_.PutEmpty(std::exchange(sheaves.main, full));
  }
  if (sheaves.main->empty()) {
    const size_t taken = store_.Take({sheaves.main->objects(), sheaves.main->capacity});
    if (taken == 0) return false;
    // Popped from the end: lowest addresses first.
    std::reverse(sheaves.main->objects(), sheaves.main->objects() + taken);
    sheaves.main->set_size(taken);
    refills_.fetch_add(1, std::memory_order_relaxed);
  }
  *object = sheaves.main->TryPop();
  return true;
}

void* CacheCore::AllocateSlow(AllocFlags flags) {
  MXA_CHECK(reclaim::tls_context.can_free == 0, "allocation inside CanFree");
  ThreadSheaves& sheaves = CurrentSheaves();
  void* object = nullptr;
  for (bool reclaimed = false;;) {
    if (TakeFromSection(sheaves, &object)) return object;
    if (Has(flags, AllocFlags::kNoNewSlab)) return nullptr;
    if (store_.AddSlab() || store_.TakeBackPlanned()) continue;
    if (!Has(flags, AllocFlags::kMayReclaim) || !reclaim::MayReclaim() || reclaimed) return nullptr;
    // What other threads hold free is memory too.
    BeginSlow();
    FlushAllSheaves();
    EndSlow();
    reclaimed = true;
  }
}

// One owner section: makes room and pushes. False when an empty sheaf is needed first; *empty is used up when it
// helped.
bool CacheCore::FreeInSection(ThreadSheaves& sheaves, void* object, Sheaf** empty) {
  OwnerSection section(sheaves);
  // ORDER(mark) the slow word's acquire, or the sheaves' mutex, orders this read after the pass's SetMarked.
  if (section.slow() && IsMarked(object)) {
    store_.Return({&object, 1});
    return true;
  }
  if (sheaves.main->full() && !sheaves.spare->full()) std::swap(sheaves.main, sheaves.spare);
  if (sheaves.main->full()) {
    if (*empty == nullptr) return false;
    if (barn_.PutFull(sheaves.main)) {
      sheaves.main = std::exchange(*empty, nullptr);
    } else {
      store_.Return(sheaves.main->span());
      sheaves.main->set_size(0);
      flushes_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  sheaves.main->Push(object);
  return true;
}

void CacheCore::FreeSlow(void* object) {
  MXA_CHECK(reclaim::tls_context.can_free == 0, "free inside CanFree");
  ThreadSheaves& sheaves = CurrentSheaves();
  Sheaf* empty = nullptr;
  if (!FreeInSection(sheaves, object, &empty)) {
    empty = NewEmptySheaf();
    while (!FreeInSection(sheaves, object, &empty)) continue;
    if (empty != nullptr) barn_.PutEmpty(empty);
    store_.TrimEmpty();
  }
}

Sheaf* CacheCore::NewEmptySheaf() {
  Sheaf* sheaf = barn_.TakeEmpty();
  return sheaf != nullptr ? sheaf : Sheaf::New(this, sheaf_capacity_);
}

size_t CacheCore::Shrink() {
  FreeRcuBarrier();
  BeginSlow();
  FlushAllSheaves();
  EndSlow();
  return store_.ReleaseEmpty(0);
}

CacheStats CacheCore::Stats() {
  MXA_CHECK(reclaim::tls_context.can_free == 0, "statistics inside CanFree");
  // Nothing is on its way from retired to cached or free while we count.
  MutexLock recycle_lock(&recycle_mutex_);
  CacheStats stats;
  stats.object_size = options_.object_size;
  stats.objects_per_slab = store_.capacity();
  const SlabStore::Counts counts = store_.GetCounts();
  stats.slabs = counts.slabs;
  stats.empty_slabs = counts.empty;
  stats.slabs_created = counts.created;
  stats.slabs_released = counts.released;
  stats.free = counts.slabs * store_.capacity() - counts.allocated;
  stats.retired = retired_.load(std::memory_order_relaxed);
  stats.cached = barn_.cached_objects();
  {
    MutexLock lock(&marked_mutex_);
    if (marked_retired_ != nullptr) stats.retired += marked_retired_->size();
  }
  BeginSlow();
  {
    MutexLock lock(&ThreadRegistryMutex());
    for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
      ForeignSection section(*sheaves);
      stats.cached += sheaves->main->size() + sheaves->spare->size();
      if (sheaves->rcu_free != nullptr) stats.retired += sheaves->rcu_free->size();
    }
  }
  EndSlow();
  const size_t elsewhere = stats.cached + stats.retired;
  stats.live = counts.allocated > elsewhere ? counts.allocated - elsewhere : 0;
  stats.refills = refills_.load(std::memory_order_relaxed);
  stats.flushes = flushes_.load(std::memory_order_relaxed);
  return stats;
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
