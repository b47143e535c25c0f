// SPDX-License-Identifier: Apache-2.0
#include "slab/pinned_caches.h"

#include "base/check.h"
#include "base/mutex.h"
#include "base/schedule_point.h"
#include "reclaim/rcu.h"
#include "slab/thread_registry.h"

namespace mxa::slab {
namespace {

// The next one of `arena`'s from `cache` on that is not being destroyed, pinned; null: none is left.
CacheCore* PinFrom(CacheCore* cache, const Arena& arena) ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex()) {
  while (cache != nullptr && (&cache->arena() != &arena || !cache->TryPin())) cache = AllCaches().next(*cache);
  return cache;
}

CacheCore* PinFirst(const Arena& arena) {
  MutexLock lock(&ThreadRegistryMutex());
  return PinFrom(AllCaches().front(), arena);
}

// A pinned cache is still on the list, so that the one after it is found.
CacheCore* PinNext(CacheCore& cache, const Arena& arena) {
  MutexLock lock(&ThreadRegistryMutex());
  CacheCore* const next = PinFrom(AllCaches().next(cache), arena);
  cache.Unpin();
  return next;
}

void UnpinLast(CacheCore& cache) {
  MutexLock lock(&ThreadRegistryMutex());
  cache.Unpin();
}

}  // namespace

void ForEachPinnedCache(const Arena& arena, absl::FunctionRef<bool(CacheCore&)> use) {
  for (CacheCore* cache = PinFirst(arena); cache != nullptr; cache = PinNext(*cache, arena)) {
    MXA_SCHEDULE_POINT("pinned_caches.pinned");
    if (!use(*cache)) return UnpinLast(*cache);
  }
}

bool CacheCore::TryPin() {
  if (ending_) return false;
  ++pins_;
  return true;
}

void CacheCore::Unpin() {
  MXA_CHECK(pins_ > 0, "a cache left more often than entered");
  if (--pins_ == 0) unpinned_.SignalAll();
}

void CacheCore::AwaitUnpinned() {
  const reclaim::OfflineScope offline;
  MXA_SCHEDULE_POINT("pinned_caches.await");
  MutexLock lock(&ThreadRegistryMutex());
  ending_ = true;
  while (pins_ > 0) unpinned_.Wait(&ThreadRegistryMutex());
}

}  // namespace mxa::slab
