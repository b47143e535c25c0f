// SPDX-License-Identifier: Apache-2.0
//
// Allocations that must not fail: by the ordinary way as long as that works, then from the slabs of a page pool.
//
// As long as the cache has a critical slab, its threads are on the slow path: each such slab is a request of BeginSlow,
// made before its first object is handed out. So whoever frees one looks at its slab, finds it critical, and returns it
// straight to its map.
#include <algorithm>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "slab/cache_core.h"
#include "slab/page_pool.h"

namespace mxa::slab {
namespace {

// A waiter also looks this often whether an object of the cache's own critical slabs has come free, which its pool does
// not hear of.
constexpr absl::Duration kLook = absl::Milliseconds(2);

}  // namespace

void* CacheCore::AllocateCritical(PagePool& pool, absl::Duration timeout) {
  MXA_CHECK(&pool.arena() == &arena_, "a page pool of another arena than the cache's");
  MXA_CHECK(store_.units() <= pool.largest_run_units(), "a page pool whose runs are smaller than the cache's slabs");
  MXA_CHECK(timeout <= absl::ZeroDuration() || (reclaim::MayReclaim() && !reclaim::InReadSection()),
            "waiting for a page pool where waiting is not allowed");
  if (!hooked() || !hooks_->ShouldFail()) {
    if (void* object = AllocateObject(AllocFlags::kNone)) return hooked() ? HandOut(object) : object;
  }
  const absl::Time deadline = absl::Now() + timeout;
  for (bool waited = false;;) {
    if (void* object = store_.TakeCritical(pool)) {
      counters_.Add(Count::kCriticalAlloc);
      return hooked() ? HandOut(object) : object;
    }
    Slab* run = pool.Take(store_.units());
    if (run == nullptr) {
      const absl::Duration left = deadline - absl::Now();
      if (left <= absl::ZeroDuration()) break;
      if (!waited) counters_.Add(Count::kCriticalWait);
      waited = true;
      run = pool.TakeWaiting(store_.units(), std::min(left, kLook));
    }
    if (run == nullptr) {
      if (void* object = AllocateObject(AllocFlags::kNone)) return hooked() ? HandOut(object) : object;
      continue;
    }
    BeginSlow();
    if (!store_.AddCriticalSlab(run, pool)) {
      EndSlow();
      pool.Put(run);
      break;
    }
    counters_.Add(Count::kCriticalSlab);
  }
  counters_.Add(Count::kAllocFailed);
  return nullptr;
}

void CacheCore::ReleaseCritical() {
  while (store_.ReleaseEmptiedCritical()) EndSlow();
}

}  // namespace mxa::slab
