// SPDX-License-Identifier: Apache-2.0
//
// The drain: gets objects out of threads' sheaves, the barn and recycling, without those threads' help.
//
// Order, each step needed (a spin model fails without any of them): the caller has marked -> the barns, which all filter
// from BeginSlow's caller on, so that what is taken out of one before its turn does not go into another after its own ->
// every thread's sheaves -> recycling under way. What a thread takes from a barn after that barn's turn is clean; what it
// took before is drained with its own sheaves; what it pushes after its turn it has tested against the marks in the same
// section.
#include <vector>

#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "slab/cache_core.h"
#include "slab/membarrier.h"

namespace mxa::slab {

void CacheCore::BeginSlow() {
  MutexLock lock(&ThreadRegistryMutex());
  BeginSlowLocked();
}

void CacheCore::EndSlow() {
  MutexLock lock(&ThreadRegistryMutex());
  EndSlowLocked();
}

void CacheCore::BeginSlowLocked() {
  if (slow_requests_++ != 0 || !HaveMembarrier()) return;
  for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
    // ORDER(handshake) the membarrier below pairs with the compiler barrier in OwnerSection: owners that enter after it
    // see this store, owners that entered before it have their flag seen by ForeignSection.
    sheaves->fence.store(0, std::memory_order_relaxed);
  }
  Membarrier();
}

void CacheCore::EndSlowLocked() {
  if (--slow_requests_ != 0 || !HaveMembarrier()) return;
  for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
    if (sheaves->parked.load(std::memory_order_relaxed)) continue;  // until its owner comes by: Unpark
    // ORDER(handshake-end) release; pairs with the acquire in OwnerSection: the owner sees its sheaves as the drain
    // left them.
    sheaves->fence.store(arena_.slabs_end(), std::memory_order_release);
  }
}

void CacheCore::FlushAllSheaves() {
  // Held throughout: a drain that finds the barn empty takes this lock next, and by then what was in it is in the
  // slabs.
  MutexLock lock(&ThreadRegistryMutex());
  FlushQuarantine();
  for (Barn& barn : barns_) {
    for (Sheaf* sheaf = barn.TakeAllFull(); sheaf != nullptr;) {
      Sheaf* next = sheaf->next_in_barn;
      FlushInto(*sheaf);
      PutEmptySheaf(sheaf);
      sheaf = next;
    }
  }
  for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
    ForeignSection section(*sheaves);
    FlushInto(*sheaves->main);
    if (sheaves->spare != nullptr) FlushInto(*sheaves->spare);
    RetireRcuFree(*sheaves);
  }
}

// Moves the objects of marked slabs from `sheaf` to `marked`.
void CacheCore::TakeMarked(Sheaf& sheaf, std::vector<void*>& marked) const {
  size_t kept = 0;
  for (void* object : sheaf.span()) {
    if (Bypasses(object)) {
      marked.push_back(object);
    } else {
      sheaf.objects()[kept++] = object;
    }
  }
  sheaf.set_size(kept);
}

void CacheCore::DrainBarn(Barn& barn, std::vector<void*>& marked) {
  if (PlantedBugIs(PlantedBug::kBarnOpenDuringDrain)) return;
  for (Sheaf* sheaf = barn.TakeAllFull(); sheaf != nullptr;) {
    Sheaf* next = sheaf->next_in_barn;
    TakeMarked(*sheaf, marked);
    if (!sheaf->full() || !PutFullSheaf(barn, sheaf)) {
      FlushInto(*sheaf);
      PutEmptySheaf(sheaf);
    }
    sheaf = next;
  }
}

void CacheCore::DrainMarked() {
  std::vector<void*> marked;
  for (Barn& barn : barns_) DrainBarn(barn, marked);
  DrainQuarantine(marked);
  MXA_SCHEDULE_POINT("drain.after_barn");
  if (!PlantedBugIs(PlantedBug::kDrainSkipped)) {
    std::vector<void*> retired;
    {
      MutexLock lock(&ThreadRegistryMutex());
      for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
        ForeignSection section(*sheaves);
        TakeMarked(*sheaves->main, marked);
        if (sheaves->spare != nullptr) TakeMarked(*sheaves->spare, marked);
        if (sheaves->rcu_free != nullptr) TakeMarked(*sheaves->rcu_free, retired);
      }
    }
    // A barrier that comes now finds them nowhere, and waits for this batch, which retires them before itself.
    for (void* object : retired) FreeRcuMarked(object);
  }
  {
    // Recycling that began before the marks could be seen ends here.
    MutexLock lock(&recycle_mutex_);
  }
  store_.Return(marked);
}

}  // namespace mxa::slab
