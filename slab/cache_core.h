// SPDX-License-Identifier: Apache-2.0
//
// The inside of a cache: the paths of one object between a thread's sheaves, the barn and the slabs.
//
// Lock order: registry lock -> one thread's sheaves (owner or foreign section) -> the marked-retire lock -> one leaf
// lock (barn, lists', retire queue). The recycle lock comes before all these. Nothing calls out under any of them, but
// for CanFree under the lists' lock and destructors under the recycle lock.
#ifndef MXA_SLAB_CACHE_CORE_H_
#define MXA_SLAB_CACHE_CORE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "slab/arena.h"
#include "slab/barn.h"
#include "slab/batch_gate.h"
#include "slab/cache_options.h"
#include "slab/cache_stats.h"
#include "slab/sheaf.h"
#include "slab/slab_store.h"
#include "slab/thread_registry.h"
#include "slab/thread_sheaves.h"

namespace mxa::slab {

class CacheCore {
 public:
  // `options` are valid; the arena in them is not null.
  explicit CacheCore(const CacheOptions& options);
  ~CacheCore();
  CacheCore(const CacheCore&) = delete;
  CacheCore& operator=(const CacheCore&) = delete;

  void* Allocate(AllocFlags flags) {
    ThreadSheaves* sheaves = FindThreadSheaves(id_);
    if (ABSL_PREDICT_TRUE(sheaves != nullptr)) {
      FastOwnerSection section(*sheaves);
      if (ABSL_PREDICT_TRUE(section.open())) {
        if (void* object = sheaves->main->TryPop()) return object;
      }
    }
    return AllocateSlow(flags);
  }

  void Free(void* object) {
    ThreadSheaves* sheaves = FindThreadSheaves(id_);
    if (ABSL_PREDICT_TRUE(sheaves != nullptr)) {
      FastOwnerSection section(*sheaves);
      if (ABSL_PREDICT_TRUE(section.open() && sheaves->main->TryPush(object))) return;
    }
    FreeSlow(object);
  }

  void FreeRcu(void* object);
  void FreeRcuBarrier();
  size_t Shrink();

  // A thread ends; its sheaves go. Called by the registry on that thread.
  void OnThreadExit(ThreadSheaves* sheaves) ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());

  // --- For drains and passes ---

  // Counts those who need the threads' sections to take the mutex; the first sets every thread's slow word and runs the
  // handshake's membarrier, the last clears them. Sections of before may still be open after BeginSlow: a
  // ForeignSection waits for them.
  void BeginSlow();
  void EndSlow();
  // Empties all sheaves into the slabs; part-filled rcu-free sheaves are retired. REQUIRES: between BeginSlow and
  // EndSlow.
  void FlushAllSheaves();
  // Takes the objects of marked slabs out of all sheaves, of the barn and of recycling under way. REQUIRES: as
  // FlushAllSheaves.
  void DrainMarked();
  // Retires what FreeRcu got of marked slabs so far.
  void RetireMarked();

  const CacheOptions& options() const { return options_; }
  Arena& arena() const { return arena_; }
  SlabStore& store() { return store_; }
  Barn& barn() { return barn_; }
  BatchGate& batches() { return batches_; }
  Mutex& pass_mutex() ABSL_LOCK_RETURNED(pass_mutex_) { return pass_mutex_; }

  CacheStats Stats();
  void AddCompactStats(const CompactStats& stats);
  CompactStats TotalCompactStats();
  absl::Status CheckInvariants();

 private:
  void* AllocateSlow(AllocFlags flags);
  void FreeSlow(void* object);
  bool TakeFromSection(ThreadSheaves& sheaves, void** object);
  bool FreeInSection(ThreadSheaves& sheaves, void* object, Sheaf** empty);

  ThreadSheaves& CurrentSheaves();
  void RemoveSheaves(ThreadSheaves* sheaves) ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());
  // A pointer that is nobody's is left for the slab store to report.
  bool IsMarked(const void* object) const { return arena_.Contains(object) && arena_.SlabOf(object)->marked(); }

  Sheaf* NewEmptySheaf();
  void RetireSheaf(Sheaf* sheaf);
  void FreeRcuMarked(void* object);
  static void RecycleCallback(reclaim::RetireHead* head);
  void Recycle(Sheaf* sheaf);
  void DrainBarn(std::vector<void*>& marked);
  void TakeMarked(Sheaf& sheaf, std::vector<void*>& marked) const;

  const CacheOptions options_;
  Arena& arena_;
  uint32_t id_ = 0;
  size_t sheaf_capacity_ = 0;
  Barn barn_;
  SlabStore store_;

  IntrusiveList<ThreadSheaves> threads_ ABSL_GUARDED_BY(ThreadRegistryMutex());
  int slow_requests_ ABSL_GUARDED_BY(ThreadRegistryMutex()) = 0;

  Mutex recycle_mutex_;  // the reclaimer's owner section
  Mutex marked_mutex_;
  Sheaf* marked_retired_ ABSL_GUARDED_BY(marked_mutex_) = nullptr;

  // Relaxed: statistics.
  std::atomic<size_t> retired_{0};
  std::atomic<uint64_t> refills_{0};
  std::atomic<uint64_t> flushes_{0};

  Mutex pass_mutex_;
  BatchGate batches_;
  Mutex totals_mutex_;
  CompactStats totals_ ABSL_GUARDED_BY(totals_mutex_);
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_CACHE_CORE_H_
