// SPDX-License-Identifier: Apache-2.0
//
// What the housekeeper does in one cache: nothing waits for ever because its thread sleeps.
//
// A thread that is given back everything is parked: its fence stays 0, so that its next operation comes by
// CurrentSheaves, which unparks it. Otherwise it could fill its sheaves again by the fast way, unseen.
#include <vector>

#include "base/schedule_point.h"
#include "slab/cache_core.h"
#include "slab/housekeeper.h"
#include "slab/membarrier.h"

namespace mxa::slab {
namespace {

enum class Due { kNothing, kLater, kRetire, kPark };

Due WhatIsDue(ThreadSheaves& sheaves, const CacheOptions& options, int64_t now_ms) {
  // Relaxed throughout: hints, taken again inside a section where they matter.
  const uint32_t activity = sheaves.activity.load(std::memory_order_relaxed);
  if (activity != sheaves.activity_seen || sheaves.idle_since == 0) {
    sheaves.activity_seen = activity;
    sheaves.idle_since = now_ms;
  }
  if (sheaves.parked.load(std::memory_order_relaxed)) return Due::kNothing;
  if (now_ms - sheaves.idle_since >= absl::ToInt64Milliseconds(options.idle_delay)) return Due::kPark;
  const int64_t since = sheaves.rcu_since.load(std::memory_order_relaxed);
  if (since != 0 && now_ms - since >= absl::ToInt64Milliseconds(options.rcu_free_delay)) return Due::kRetire;
  return Due::kLater;
}

}  // namespace

bool CacheCore::Housekeep(int64_t now_ms, std::vector<Slab*>& unneeded) {
  // What a thread passed to FreeRcu while a pass was at its slab, and put down when the pass was over.
  RetireMarked();
  bool later = HousekeepSheaves(now_ms);
  // After the sheaves, whose objects may empty some more.
  unneeded = store_.DetachUnneeded(now_ms, later);
  return later;
}

bool CacheCore::HousekeepSheaves(int64_t now_ms) {
  std::vector<ThreadSheaves*> to_retire;
  std::vector<ThreadSheaves*> to_park;
  bool later = false;
  for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
    switch (WhatIsDue(*sheaves, options_, now_ms)) {
      case Due::kNothing:
        break;
      case Due::kLater:
        later = true;
        break;
      case Due::kRetire:
        later = true;
        to_retire.push_back(sheaves);
        break;
      case Due::kPark:
        to_park.push_back(sheaves);
        break;
    }
  }
  if (to_retire.empty() && to_park.empty()) return later;
  MXA_SCHEDULE_POINT("housekeeping.before_slow");
  BeginSlowLocked();
  for (ThreadSheaves* sheaves : to_park) {
    ForeignSection section(*sheaves);
    RetireRcuFree(*sheaves);
    FlushInto(*sheaves->main);
    if (sheaves->spare != nullptr) FlushInto(*sheaves->spare);
    // Relaxed: written and cleared under the registry's lock; the owner takes that lock when it sees it.
    sheaves->parked.store(true, std::memory_order_relaxed);
    counters_.Add(Count::kIdleDrain);
  }
  for (ThreadSheaves* sheaves : to_retire) {
    ForeignSection section(*sheaves);
    if (sheaves->rcu_free == nullptr) continue;  // filled up meanwhile
    RetireRcuFree(*sheaves);
    counters_.Add(Count::kRcuTimer);
  }
  EndSlowLocked();
  return later;
}

void CacheCore::Unpark(ThreadSheaves& sheaves) {
  {
    MutexLock lock(&ThreadRegistryMutex());
    if (!sheaves.parked.load(std::memory_order_relaxed)) return;
    sheaves.parked.store(false, std::memory_order_relaxed);
    sheaves.idle_since = 0;
    // ORDER(handshake-end) release; as in EndSlow.
    if (slow_requests_ == 0 && HaveMembarrier()) sheaves.fence.store(arena_.slabs_end(), std::memory_order_release);
  }
  Housekeeper::Arm();
}

}  // namespace mxa::slab
