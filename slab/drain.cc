// SPDX-License-Identifier: Apache-2.0
//
// The drain: gets objects out of threads' sheaves, the barn and recycling, without those threads' help.
//
// Order, each step needed (a spin model fails without any of them): the caller has marked -> the barn, which filters
// from BeginSlow's caller on -> every thread's sheaves -> recycling under way. What a thread takes from the barn after
// the barn's turn is clean; what it took before is drained with its own sheaves; what it pushes after its turn it has
// tested against the marks in the same section.
#include <utility>
#include <vector>

#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "slab/cache_core.h"
#include "slab/membarrier.h"

namespace mxa::slab {

void CacheCore::BeginSlow() {
  MutexLock lock(&ThreadRegistryMutex());
  if (slow_requests_++ != 0 || !HaveMembarrier()) return;
  for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
    // ORDER(handshake) the membarrier below pairs with the compiler barrier in OwnerSection: owners that enter after it
    // see this store, owners that entered before it have their flag seen by ForeignSection.
    sheaves->slow.store(1, std::memory_order_relaxed);
  }
  Membarrier();
}

void CacheCore::EndSlow() {
  MutexLock lock(&ThreadRegistryMutex());
  if (--slow_requests_ != 0 || !HaveMembarrier()) return;
  for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
    // ORDER(handshake-end) release; pairs with the acquire in OwnerSection: the owner sees its sheaves as the drain
    // left them.
    sheaves->slow.store(0, std::memory_order_release);
  }
}

void CacheCore::FlushAllSheaves() {
  // Held throughout: a drain that finds the barn empty takes this lock next, and by then what was in it is in the
  // slabs.
  MutexLock lock(&ThreadRegistryMutex());
  for (Sheaf* sheaf = barn_.TakeAllFull(); sheaf != nullptr;) {
    Sheaf* next = sheaf->next_in_barn;
    store_.Return(sheaf->span());
    sheaf->set_size(0);
    barn_.PutEmpty(sheaf);
    sheaf = next;
  }
  for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
    ForeignSection section(*sheaves);
    for (Sheaf* sheaf : {sheaves->main, sheaves->spare}) {
      store_.Return(sheaf->span());
      sheaf->set_size(0);
    }
    if (sheaves->rcu_free != nullptr) RetireSheaf(std::exchange(sheaves->rcu_free, nullptr));
  }
}

// Moves the objects of marked slabs from `sheaf` to `marked`.
void CacheCore::TakeMarked(Sheaf& sheaf, std::vector<void*>& marked) const {
  size_t kept = 0;
  for (void* object : sheaf.span()) {
    if (IsMarked(object)) {
      marked.push_back(object);
    } else {
      sheaf.objects()[kept++] = object;
    }
  }
  sheaf.set_size(kept);
}

void CacheCore::DrainBarn(std::vector<void*>& marked) {
  if (PlantedBugIs(PlantedBug::kBarnOpenDuringDrain)) return;
  for (Sheaf* sheaf = barn_.TakeAllFull(); sheaf != nullptr;) {
    Sheaf* next = sheaf->next_in_barn;
    TakeMarked(*sheaf, marked);
    if (!sheaf->full() || !barn_.PutFull(sheaf)) {
      store_.Return(sheaf->span());
      sheaf->set_size(0);
      barn_.PutEmpty(sheaf);
    }
    sheaf = next;
  }
}

void CacheCore::DrainMarked() {
  std::vector<void*> marked;
  DrainBarn(marked);
  MXA_SCHEDULE_POINT("drain.after_barn");
  if (!PlantedBugIs(PlantedBug::kDrainSkipped)) {
    std::vector<void*> retired;
    MutexLock lock(&ThreadRegistryMutex());
    for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
      ForeignSection section(*sheaves);
      TakeMarked(*sheaves->main, marked);
      TakeMarked(*sheaves->spare, marked);
      if (sheaves->rcu_free != nullptr) TakeMarked(*sheaves->rcu_free, retired);
    }
    for (void* object : retired) FreeRcuMarked(object);
  }
  {
    // Recycling that began before the marks could be seen ends here.
    MutexLock lock(&recycle_mutex_);
  }
  store_.Return(marked);
}

}  // namespace mxa::slab
