// SPDX-License-Identifier: Apache-2.0
//
// The inside of a cache: the paths of one object between a thread's sheaves, the barn and the slabs.
//
// Lock order: README.md.
#ifndef MXA_SLAB_CACHE_CORE_H_
#define MXA_SLAB_CACHE_CORE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/fork_lock.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "slab/arena.h"
#include "slab/barn.h"
#include "slab/batch_gate.h"
#include "slab/cache_hooks.h"
#include "slab/cache_options.h"
#include "slab/cache_stats.h"
#include "slab/counters.h"
#include "slab/guard/guard_sampler.h"
#include "slab/sheaf.h"
#include "slab/slab_store.h"
#include "slab/thread_registry.h"
#include "slab/thread_sheaves.h"

namespace mxa::slab {

class PagePool;

class CacheCore : public ListLink {
 public:
  // `options` are valid; the arena in them is not null.
  explicit CacheCore(const CacheOptions& options);
  ~CacheCore();
  CacheCore(const CacheCore&) = delete;
  CacheCore& operator=(const CacheCore&) = delete;

  // What is left when the thread's sheaves were not found at their near place, or could not serve.
  void* Allocate(AllocFlags flags);
  void Free(void* object);
  uint32_t near_place() const { return NearPlace(id_); }

  void FreeRcu(void* object);
  void FreeRcuBarrier();
  size_t Shrink();

  // bulk.cc
  bool AllocateBulk(absl::Span<void*> objects, AllocFlags flags);
  void FreeBulk(absl::Span<void* const> objects);
  bool AllocateEach(absl::Span<void*> objects, AllocFlags flags);

  // prefill.cc: a sheaf of at least `count` objects that is the caller's alone, or null; the same for one it has; and
  // back.
  Sheaf* Prefill(size_t count, AllocFlags flags);
  bool Refill(Sheaf*& sheaf, size_t count, AllocFlags flags);
  void ReturnPrefilled(Sheaf* sheaf);

  // critical.cc
  void* AllocateCritical(PagePool& pool, absl::Duration timeout);
  // Gives critical slabs that have become empty back to their pools. Context: no lock, no owner section.
  void ReleaseCritical();

  // For who looks after caches that are not his (pinned_caches.cc): a pinned cache is not destroyed. False when that has
  // begun. The destructor waits for all pins to go.
  bool TryPin() ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());
  void Unpin() ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());

  // For the housekeeper (housekeeping.cc): retires part-filled sheaves that have waited long enough, and empties those
  // of idle threads; takes the empty slabs that were not needed for long enough off the lists, for the caller to give
  // back (SlabStore::GiveBackDetached) when it holds no lock. False when nothing is left that could become due.
  bool Housekeep(int64_t now_ms, std::vector<Slab*>& unneeded) ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());

  // A thread ends; its sheaves go. Called by the registry on that thread.
  void OnThreadExit(ThreadSheaves* sheaves) ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());

  // --- For drains and passes ---

  // Counts those who need the threads' sections to take the mutex; the first takes every thread's fence down and runs
  // the handshake's membarrier, the last puts them up again. Sections of before may still be open after BeginSlow: a
  // ForeignSection waits for them.
  void BeginSlow();
  void EndSlow();
  void BeginSlowLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());
  void EndSlowLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());
  // Empties all sheaves into the slabs; part-filled rcu-free sheaves are retired. REQUIRES: between BeginSlow and
  // EndSlow.
  void FlushAllSheaves();
  // Takes the objects of marked slabs out of all sheaves, of the barn and of recycling under way. REQUIRES: as
  // FlushAllSheaves.
  void DrainMarked();
  // Retires what FreeRcu got of marked slabs so far.
  void RetireMarked();

  // What a pass does with the places that objects move to, and with those that they left, after the grace period
  // (hooked.cc).
  void ReserveDestinations(absl::Span<void* const> destinations);
  void ReturnDestinations(absl::Span<void* const> destinations);
  void RecordMoves(absl::Span<void* const> moved, absl::Span<void* const> destinations);
  void RecycleMoved(absl::Span<void* const> moved);

  const CacheOptions& options() const { return options_; }
  Arena& arena() const { return arena_; }
  SlabStore& store() { return store_; }
  // By node.
  std::deque<Barn>& barns() { return barns_; }
  // Of the node that this thread runs on.
  Barn& CurrentBarn() { return barns_[static_cast<size_t>(arena_.topology().CurrentNode())]; }
  // Of the node that `object` lies on.
  Barn& BarnOf(const void* object) {
    const bool ours = barns_.size() > 1 && arena_.Contains(object);
    return barns_[ours ? static_cast<size_t>(arena_.NodeOf(arena_.SlabOf(object))) : 0];
  }
  BatchGate& batches() { return batches_; }
  Mutex& pass_mutex() ABSL_LOCK_RETURNED(pass_mutex_) { return pass_mutex_; }

  // --- For forks (fork.cc) ---

  // Counts the fork in as BeginSlow counts a drain; true when a membarrier is due.
  bool BeginForkSlow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());
  // Enters a foreign section on every thread's sheaves and takes the leaf locks; REQUIRES that membarrier.
  void LockForFork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());
  // Undoes both.
  void ReleaseAfterFork(ForkSide side) ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());

  CacheStats Stats();
  // Slabs beyond the fewest that could hold what is allocated, sheaves' objects included: cheap, unlike Stats.
  size_t SurplusSlabs();
  void AddCompactStats(const CompactStats& stats);
  CompactStats TotalCompactStats();
  absl::Status CheckInvariants();

 private:
  // The slow paths of an allocation and a free, whatever hooks there are.
  void* AllocateObject(AllocFlags flags);
  void FreeObject(void* object);
  // hooked.cc
  bool hooked() const { return hooks_ != nullptr; }
  void* AllocateHooked(AllocFlags flags);
  void* HandOut(void* object);
  void TellFree(void* object);
  void FreeHooked(void* object);
  // One object, and what stays of a sheaf, after the grace period and the destructor for that.
  void RecycleChecked(void* object);
  void RecycleHooked(Sheaf& sheaf);
  void DrainQuarantine(std::vector<void*>& marked);
  void FlushQuarantine();
  // guarded.cc
  void* AllocateGuarded();
  void FreeGuarded(void* object);
  void FreeRcuGuarded(void* object);

  // One more object in the main sheaf, if need be from the spare or a barn; false when they have none.
  // REQUIRES: inside the owner's section.
  bool BringSheaf(ThreadSheaves& sheaves, int node, bool anywhere);
  bool TakeFromSection(ThreadSheaves& sheaves, int node, bool anywhere, void** object);
  bool FreeInSection(ThreadSheaves& sheaves, void* object, Sheaf*& empty, bool may_flush);
  // Makes memory for an allocation that found none, in the next way there is; false when there is no more to try.
  struct Search {
    int node = 0;
    bool anywhere = false;  // the node has nothing more to give
    int stage = 0;
    bool took_back = false;  // other caches' empty slabs
  };
  Search NewSearch() const { return {arena_.topology().CurrentNode(), barns_.size() == 1, 0, false}; }
  bool MakeRoom(AllocFlags flags, Search& search);
  void FlushInto(Sheaf& sheaf);
  bool HousekeepSheaves(int64_t now_ms) ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());

  // The calling thread's sheaves; it is idle no more. Null when there is no memory for its first ones.
  ThreadSheaves* CurrentSheaves();
  ThreadSheaves* NewSheaves();
  // To be called after the section of an operation: the thread may have been taken for idle before it, and parked.
  // Relaxed: then it was parked before the section, whose mutex orders this, or what the section left was drained.
  void LeaveBusy(ThreadSheaves& sheaves) {
    if (ABSL_PREDICT_FALSE(sheaves.parked.load(std::memory_order_relaxed))) Unpark(sheaves);
  }
  void Unpark(ThreadSheaves& sheaves);
  void RemoveSheaves(ThreadSheaves* sheaves) ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());
  // Whether `object` must not enter a sheaf, as its slab is marked or critical. A pointer that is nobody's is left for
  // the slab store to report.
  bool Bypasses(const void* object) const {
    return arena_.Contains(object) && arena_.SlabOf(object)->bypasses_sheaves();
  }
  // The requests of BeginSlow that are there while the cache is at rest.
  int SlowAtRest() { return (hooked() ? 1 : 0) + static_cast<int>(store_.critical_slabs()); }

  void AwaitUnpinned();

  // Null when there is no memory.
  Sheaf* NewEmptySheaf();
  void PutEmptySheaf(Sheaf* sheaf);
  // False when the barn does not take it.
  bool PutFullSheaf(Barn& barn, Sheaf* sheaf);
  // An empty sheaf for a full one, as Barn::ExchangeFull of the current barn.
  Sheaf* ExchangeFullSheaf(Sheaf* full, bool& refused);
  Sheaf* EmptySheafForRcu();
  Sheaf* SheafMadeEmpty(ThreadSheaves* sheaves);
  void RetireSheaf(Sheaf* sheaf);
  void RetireRcuFree(ThreadSheaves& sheaves);
  void FreeRcuMarked(void* object);
  static void RecycleCallback(reclaim::RetireHead* head);
  void Recycle(Sheaf* sheaf);
  void DrainBarn(Barn& barn, std::vector<void*>& marked);
  void TakeMarked(Sheaf& sheaf, std::vector<void*>& marked) const;

  const CacheOptions options_;
  Arena& arena_;
  uint32_t id_ = 0;
  size_t sheaf_capacity_ = 0;
  std::deque<Barn> barns_;  // by node
  Counters counters_;
  const std::unique_ptr<CacheHooks> hooks_;  // null: none
  GuardSampler guard_sampler_;
  SlabStore store_;

  IntrusiveList<ThreadSheaves> threads_ ABSL_GUARDED_BY(ThreadRegistryMutex());
  int slow_requests_ ABSL_GUARDED_BY(ThreadRegistryMutex()) = 0;
  int pins_ ABSL_GUARDED_BY(ThreadRegistryMutex()) = 0;
  bool ending_ ABSL_GUARDED_BY(ThreadRegistryMutex()) = false;  // no more pins
  CondVar unpinned_;

  Mutex recycle_mutex_;  // the reclaimer's owner section
  Mutex marked_mutex_;
  Sheaf* marked_retired_ ABSL_GUARDED_BY(marked_mutex_) = nullptr;

  // Relaxed: statistics.
  std::atomic<size_t> retired_{0};
  std::atomic<size_t> guarded_{0};  // live ones
  // Sheaves and guarded objects handed to the reclaimer so far; the destructor says what orders it.
  std::atomic<uint64_t> retirements_{0};

  Mutex pass_mutex_;
  BatchGate batches_;
  Mutex totals_mutex_;
  CompactStats totals_ ABSL_GUARDED_BY(totals_mutex_);
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_CACHE_CORE_H_
