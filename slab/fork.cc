// SPDX-License-Identifier: Apache-2.0
#include "slab/fork.h"

#include "absl/base/attributes.h"
#include "base/fork_lock.h"
#include "base/mutex.h"
#include "base/tsan.h"
#include "reclaim/fork.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "slab/cache_core.h"
#include "slab/housekeeper.h"
#include "slab/membarrier.h"
#include "slab/thread_registry.h"

namespace mxa::slab {

namespace {

// Held shared by passes, alone by a fork.
Mutex& PassGate() {
  ABSL_CONST_INIT static Mutex gate(absl::kConstInit);
  return gate;
}

// As a drain that stops in the middle: no thread is inside a section of any cache, and none can enter one.
void PrepareCaches() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  ThreadRegistryMutex().Lock();
  bool handshake = false;
  for (CacheCore* cache = AllCaches().front(); cache != nullptr; cache = AllCaches().next(*cache)) {
    handshake = cache->BeginForkSlow() || handshake;
  }
  if (handshake) Membarrier();
  for (CacheCore* cache = AllCaches().front(); cache != nullptr; cache = AllCaches().next(*cache)) {
    cache->LockForFork();
  }
  Arena::LockAllForFork();
}

void ReleaseCaches(ForkSide side) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  Arena::ReleaseAllAfterFork(side);
  for (CacheCore* cache = AllCaches().front(); cache != nullptr; cache = AllCaches().next(*cache)) {
    cache->ReleaseAfterFork(side);
  }
  ReleaseAfterFork(ThreadRegistryMutex(), side);
  if (side == ForkSide::kParent) return;
  EndOtherThreads();
  Housekeeper::ResetAfterFork();
}

[[maybe_unused]] const bool arranged = [] {
  // TSan allows a child without threads of its own only, and no thread 64 locks at once.
  if (MXA_TSAN) return false;
  reclaim::SetForkHandlers(reclaim::ForkStage::kPasses, {+[]() ABSL_NO_THREAD_SAFETY_ANALYSIS { PassGate().Lock(); },
                                                         +[](ForkSide side) { ReleaseAfterFork(PassGate(), side); }});
  reclaim::SetForkHandlers(reclaim::ForkStage::kLayersAbove, {&PrepareCaches, &ReleaseCaches});
  return true;
}();

}  // namespace

PassScope::PassScope() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  reclaim::OfflineScope offline;  // the passes that the fork waits for wait for grace periods
  PassGate().ReaderLock();
}

PassScope::~PassScope() ABSL_NO_THREAD_SAFETY_ANALYSIS { PassGate().ReaderUnlock(); }

bool CacheCore::BeginForkSlow() {
  if (slow_requests_++ != 0 || !HaveMembarrier()) return false;
  for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
    // ORDER(handshake) as in BeginSlow; the membarrier comes when all caches are done.
    sheaves->fence.store(0, std::memory_order_relaxed);
  }
  return true;
}

// recycle_mutex_, pass_mutex_, totals_mutex_ and the batches' need not be held: what changes under them changes in
// passes and callbacks only, and there are none.
void CacheCore::LockForFork() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
    EnterForeign(*sheaves);
  }
  marked_mutex_.Lock();
  for (Barn& barn : barns_) barn.LockForFork();
  store_.LockForFork();
}

void CacheCore::ReleaseAfterFork(ForkSide side) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  store_.ReleaseAfterFork(side);
  for (Barn& barn : barns_) barn.ReleaseAfterFork(side);
  mxa::ReleaseAfterFork(marked_mutex_, side);
  if (side == ForkSide::kChild) {
    RenewInChild(recycle_mutex_);
    RenewInChild(pass_mutex_);
    RenewInChild(totals_mutex_);
    batches_.RenewInChild();
    pins_ = 0;  // theirs too
    slow_requests_ = 1 + SlowAtRest();  // the other threads' requests have gone with them; this fork's is left
  }
  --slow_requests_;
  for (ThreadSheaves* sheaves = threads_.front(); sheaves != nullptr; sheaves = threads_.next(*sheaves)) {
    // The forking thread's too, in the child: what it holds is looked after once it comes by.
    if (side == ForkSide::kChild) sheaves->parked.store(true, std::memory_order_relaxed);
    // ORDER(handshake-end) as in EndSlow.
    if (slow_requests_ == 0 && HaveMembarrier() && !sheaves->parked.load(std::memory_order_relaxed)) {
      sheaves->fence.store(arena_.slabs_end(), std::memory_order_release);
    }
    mxa::ReleaseAfterFork(sheaves->mutex, side);
  }
}

}  // namespace mxa::slab
