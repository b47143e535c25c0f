// SPDX-License-Identifier: Apache-2.0
//
// Free after a grace period: thread -> rcu-free sheaf -> one grace period -> destructors -> the barn, as a full sheaf.
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/optimization.h"
#include "base/check.h"
#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "reclaim/retire.h"
#include "slab/cache_core.h"
#include "slab/housekeeper.h"

namespace mxa::slab {

void CacheCore::FreeRcu(void* object) {
  MXA_CHECK(reclaim::tls_context.can_free == 0, "free inside CanFree");
  if (hooked()) TellFree(object);
  if (ABSL_PREDICT_FALSE(arena_.InGuards(object))) return FreeRcuGuarded(object);
  if (hooked() && hooks_->debug != nullptr) hooks_->debug->OnRetire(object);
  ThreadSheaves* const sheaves = CurrentSheaves();
  if (sheaves == nullptr) {
    FreeRcuMarked(object);
    RetireMarked();
    return;
  }
  Sheaf* fresh = nullptr;
  for (bool done = false; !done;) {
    bool bypasses = false;
    {
      OwnerSection section(*sheaves);
      // ORDER(mark) as in FreeInSection.
      bypasses = section.slow() && Bypasses(object);
      if (!bypasses) {
        if (sheaves->rcu_free == nullptr && fresh != nullptr) {
          sheaves->rcu_free = std::exchange(fresh, nullptr);
          // Relaxed: a hint for the housekeeper.
          sheaves->rcu_since.store(Housekeeper::Now(), std::memory_order_relaxed);
        }
        if (sheaves->rcu_free != nullptr) {
          sheaves->rcu_free->Push(object);
          // Within the section, so that a barrier that finds the sheaf gone finds it in the queue.
          if (sheaves->rcu_free->full()) RetireRcuFree(*sheaves);
          done = true;
        }
      }
    }
    if (bypasses) {
      FreeRcuMarked(object);
      done = true;
    } else if (!done) {
      fresh = EmptySheafForRcu();
    }
  }
  if (fresh != nullptr) PutEmptySheaf(fresh);
  LeaveBusy(*sheaves);
}

// A sheaf even when there is no memory for one: any that can be emptied, or one whose grace period is waited for.
Sheaf* CacheCore::EmptySheafForRcu() {
  if (Sheaf* sheaf = NewEmptySheaf()) return sheaf;
  ThreadSheaves* const sheaves = CurrentSheaves();
  if (Sheaf* sheaf = SheafMadeEmpty(sheaves)) return sheaf;
  if (reclaim::MayReclaim() && !reclaim::InReadSection()) {
    reclaim::RetireBarrier();
    if (Sheaf* sheaf = SheafMadeEmpty(sheaves)) return sheaf;
  }
  // Injected faults stop here: there is no way to fail.
  if (Sheaf* sheaf = Sheaf::New(this, sheaf_capacity_)) return sheaf;
  MXA_CHECK(false, "no memory for a sheaf of objects that wait for a grace period, where waiting is not allowed");
  return nullptr;
}

Sheaf* CacheCore::SheafMadeEmpty(ThreadSheaves* sheaves) {
  // In a section where there can be one, so that a drain waits for what is between sheaf and slab; a thread without
  // sheaves has no part in what the barns lost before.
  std::optional<OwnerSection> section;
  if (sheaves != nullptr) section.emplace(*sheaves);
  for (Barn& barn : barns_) {
    if (Sheaf* sheaf = barn.TakeEmpty()) return sheaf;
  }
  if (sheaves == nullptr) return nullptr;
  Sheaf* sheaf = std::exchange(sheaves->spare, nullptr);
  for (size_t i = 0; sheaf == nullptr && i < barns_.size(); ++i) sheaf = barns_[i].TakeFull();
  if (sheaf != nullptr) FlushInto(*sheaf);
  return sheaf;
}

// A thread may sleep for hours with a part-filled sheaf; what a pass waits for goes on the pass's own list.
void CacheCore::FreeRcuMarked(void* object) {
  Sheaf* fresh = EmptySheafForRcu();
  {
    MutexLock lock(&marked_mutex_);
    if (marked_retired_ == nullptr) marked_retired_ = std::exchange(fresh, nullptr);
    marked_retired_->Push(object);
    // Of a slab that no pass waits for: a critical one, or the pass has come to its end meanwhile. Looked at under the
    // lock, before the object can be retired: after that its slab may go.
    if (marked_retired_->full() || !arena_.SlabOf(object)->marked()) {
      RetireSheaf(std::exchange(marked_retired_, nullptr));
    }
  }
  if (fresh != nullptr) PutEmptySheaf(fresh);
}

void CacheCore::RetireMarked() {
  MutexLock lock(&marked_mutex_);
  if (marked_retired_ != nullptr) RetireSheaf(std::exchange(marked_retired_, nullptr));
}

void CacheCore::RetireSheaf(Sheaf* sheaf) {
  retired_.fetch_add(sheaf->size(), std::memory_order_relaxed);
  retirements_.fetch_add(1, std::memory_order_relaxed);
  counters_.Add(Count::kRcuSheaf);
  counters_.Add(Count::kRcuObject, sheaf->size());
  if (PlantedBugIs(PlantedBug::kSheafRecycledAtOnce)) return Recycle(sheaf);
  reclaim::Retire(sheaf, &RecycleCallback);
}

void CacheCore::RetireRcuFree(ThreadSheaves& sheaves) {
  if (sheaves.rcu_free == nullptr) return;
  RetireSheaf(std::exchange(sheaves.rcu_free, nullptr));
  sheaves.rcu_since.store(0, std::memory_order_relaxed);
}

void CacheCore::RecycleCallback(reclaim::RetireHead* head) {
  auto* sheaf = static_cast<Sheaf*>(head);
  sheaf->cache->Recycle(sheaf);
}

void CacheCore::Recycle(Sheaf* sheaf) {
  const size_t retired = sheaf->size();
  {
    // The reclaimer's own owner section: a drain takes this lock after it has marked, so either the marks are seen here
    // or the objects are in the barn or their slabs when the drain looks there.
    MutexLock lock(&recycle_mutex_);
    reclaim::tls_context.recycling = this;
    std::vector<void*> marked;
    TakeMarked(*sheaf, marked);
    MXA_SCHEDULE_POINT("recycle.filtered");
    if (options_.rcu_destructor != nullptr) {
      for (void* object : sheaf->span()) options_.rcu_destructor(object);
    }
    // What lies in a critical slab that no pass has marked is destroyed now.
    const auto undestroyed =
        std::partition(marked.begin(), marked.end(), [this](void* object) { return !arena_.SlabOf(object)->marked(); });
    const absl::Span<void* const> critical(marked.data(), static_cast<size_t>(undestroyed - marked.begin()));
    if (options_.rcu_destructor != nullptr) {
      for (void* object : critical) options_.rcu_destructor(object);
    }
    if (hooked()) {
      RecycleHooked(*sheaf);
      for (void* object : marked) RecycleChecked(object);
    }
    store_.Return(critical);
    store_.ReturnUndestroyed(absl::MakeConstSpan(marked).subspan(critical.size()));
    // The reclaimer's own node says nothing about the objects'.
    if (sheaf->full() && PutFullSheaf(BarnOf(sheaf->objects()[0]), sheaf)) {
      sheaf = nullptr;
    } else {
      FlushInto(*sheaf);
    }
    retired_.fetch_sub(retired, std::memory_order_relaxed);
    reclaim::tls_context.recycling = nullptr;
  }
  if (sheaf != nullptr) PutEmptySheaf(sheaf);
  store_.TrimEmpty();
  ReleaseCritical();
  Housekeeper::Arm();
}

void CacheCore::FreeRcuBarrier() {
  BeginSlow();
  {
    MutexLock lock(&ThreadRegistryMutex());
    for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
      ForeignSection section(*sheaves);
      RetireRcuFree(*sheaves);
    }
  }
  EndSlow();
  RetireMarked();
  reclaim::RetireBarrier();
  // Of slabs that a pass is emptying, the destructors run when their batch settles.
  batches_.AwaitEntered();
}

}  // namespace mxa::slab
