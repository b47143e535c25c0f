// SPDX-License-Identifier: Apache-2.0
//
// Free after a grace period: thread -> rcu-free sheaf -> one grace period -> destructors -> the barn, as a full sheaf.
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"
#include "reclaim/retire.h"
#include "slab/cache_core.h"

namespace mxa::slab {

void CacheCore::FreeRcu(void* object) {
  MXA_CHECK(reclaim::tls_context.can_free == 0, "free inside CanFree");
  ThreadSheaves& sheaves = CurrentSheaves();
  Sheaf* fresh = nullptr;
  for (bool done = false; !done;) {
    bool marked = false;
    {
      OwnerSection section(sheaves);
      // ORDER(mark) as in FreeInSection.
      marked = section.slow() && IsMarked(object);
      if (!marked) {
        if (sheaves.rcu_free == nullptr) sheaves.rcu_free = std::exchange(fresh, nullptr);
        if (sheaves.rcu_free != nullptr) {
          sheaves.rcu_free->Push(object);
          // Within the section, so that a barrier that finds the sheaf gone finds it in the queue.
          if (sheaves.rcu_free->full()) RetireSheaf(std::exchange(sheaves.rcu_free, nullptr));
          done = true;
        }
      }
    }
    if (marked) {
      FreeRcuMarked(object);
      done = true;
    } else if (!done) {
      fresh = NewEmptySheaf();
    }
  }
  if (fresh != nullptr) barn_.PutEmpty(fresh);
}

// A thread may sleep for hours with a part-filled sheaf; what a pass waits for goes on the pass's own list.
void CacheCore::FreeRcuMarked(void* object) {
  Sheaf* fresh = NewEmptySheaf();
  {
    MutexLock lock(&marked_mutex_);
    if (marked_retired_ == nullptr) marked_retired_ = std::exchange(fresh, nullptr);
    marked_retired_->Push(object);
    if (marked_retired_->full()) RetireSheaf(std::exchange(marked_retired_, nullptr));
  }
  if (fresh != nullptr) barn_.PutEmpty(fresh);
}

void CacheCore::RetireMarked() {
  MutexLock lock(&marked_mutex_);
  if (marked_retired_ != nullptr) RetireSheaf(std::exchange(marked_retired_, nullptr));
}

void CacheCore::RetireSheaf(Sheaf* sheaf) {
  retired_.fetch_add(sheaf->size(), std::memory_order_relaxed);
  reclaim::Retire(sheaf, &RecycleCallback);
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
    std::vector<void*> marked;
    TakeMarked(*sheaf, marked);
    MXA_SCHEDULE_POINT("recycle.filtered");
    if (options_.rcu_destructor != nullptr) {
      for (void* object : sheaf->span()) options_.rcu_destructor(object);
    }
    store_.ReturnUndestroyed(marked);
    if (sheaf->full() && barn_.PutFull(sheaf)) {
      sheaf = nullptr;
    } else {
      store_.Return(sheaf->span());
      sheaf->set_size(0);
    }
    retired_.fetch_sub(retired, std::memory_order_relaxed);
  }
  if (sheaf != nullptr) barn_.PutEmpty(sheaf);
  store_.TrimEmpty();
}

void CacheCore::FreeRcuBarrier() {
  BeginSlow();
  {
    MutexLock lock(&ThreadRegistryMutex());
    for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
      ForeignSection section(*sheaves);
      if (sheaves->rcu_free != nullptr) RetireSheaf(std::exchange(sheaves->rcu_free, nullptr));
    }
  }
  EndSlow();
  RetireMarked();
  reclaim::RetireBarrier();
  // Of slabs that a pass is emptying, the destructors run when their batch settles.
  batches_.AwaitEntered();
}

}  // namespace mxa::slab
