// SPDX-License-Identifier: Apache-2.0
//
// All slabs of one cache, their free maps and their states, under one lock: the lists' lock.
//
// Invariants: S1, S2, S6 (cache.h), L1 to L3 (slab.h).
//   St1 marks come and go only here: Mark sets one, Settle clears it.
// Threads: every function from any thread at once; the lists' lock is a leaf lock. It calls out only to CanFree, on one
// slab's objects.
#ifndef MXA_SLAB_SLAB_STORE_H_
#define MXA_SLAB_SLAB_STORE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/fork_lock.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "reclaim/movable.h"
#include "slab/arena.h"
#include "slab/cache_options.h"
#include "slab/slab.h"
#include "slab/slab_lists.h"
#include "slab/slab_view.h"

namespace mxa::slab {

struct CacheHooks;

class SlabStore {
 public:
  // `options` are valid (cache.cc) and outlive the store, as do `hooks`, which may be null.
  SlabStore(CacheCore* owner, const CacheOptions& options, Arena& arena, CacheHooks* hooks = nullptr);
  SlabStore(const SlabStore&) = delete;
  SlabStore& operator=(const SlabStore&) = delete;
  // Gives all slabs back. REQUIRES: no object is allocated.    (CHECKed; names the leaked ones)
  ~SlabStore();

  size_t capacity() const { return capacity_; }
  size_t stride() const { return stride_; }
  size_t units() const { return units_; }

  // Takes up to out.size() free objects out of the fullest slabs of `node` (kAnyNode: of the current one) and, unless
  // `strict`, then out of those of the nodes after it, in turn; returns how many. Adds no slab.
  size_t Take(absl::Span<void*> out, int node = kAnyNode, bool strict = false);

  // Gets a slab from the arena, on `node` as Arena::AllocateRun has it, constructs its objects and lists it. False when
  // there is no memory.
  // Context: no owner section: it may make system calls.
  bool AddSlab(int node = kAnyNode);

  // Marks objects free in their maps; those of marked slabs become nobody's until Settle.
  // A foreign, interior, or already free pointer ends the process with one line.
  void Return(absl::Span<void* const> objects);

  // As Return, for objects of marked slabs whose rcu_destructor has not run: Settle runs it when nobody looks at the
  // slab any more.
  // REQUIRES: never at once with Settle: a retire callback, or in the retiring thread's turn, like that.
  void ReturnUndestroyed(absl::Span<void* const> objects);

  // Gives empty slabs back to the arena until at most `keep` are left; returns how many. None while a pass is choosing
  // victims.
  // Context: as AddSlab.
  size_t ReleaseEmpty(size_t keep);
  // The same, when there are more than CacheOptions::empty_slab_delay and empty_slab_bytes let stay. To be called after
  // a Return; costs no lock when that left nothing to do.
  void TrimEmpty();
  // The same, whoever left them empty; returns how many.
  size_t TrimEmptyAnyhow();

  // ReleaseEmpty in two steps, for callers that may not call out yet: takes the slabs off the lists, then gives them
  // back. The store is not destroyed between the two.
  std::vector<Slab*> DetachEmpty(size_t keep);
  // Returns how many it gave back. Context: as AddSlab; runs destructors.
  size_t GiveBackDetached(std::vector<Slab*>& slabs);
  // Detaches what was not needed for CacheOptions::empty_slab_delay: once in that time, as many empty slabs as there
  // were at the fewest since the last time. `later` is set while some are left, so that it should be called again.
  std::vector<Slab*> DetachUnneeded(int64_t now_ms, bool& later);

  // Ends the process unless `object` is one of this store's, by its address.
  void RequireOwn(const void* object) const;

  // --- Critical slabs (critical_slabs.cc) ---

  // Makes a critical slab of a run that was taken from `pool`. False: a handler has vetoed it; the run is as it was.
  bool AddCriticalSlab(Slab* run, PagePool& pool);
  // A free object of a critical slab of `pool`; null when there is none.
  void* TakeCritical(const PagePool& pool);
  // Gives one critical slab that is empty back to its pool; false when there is none. Whoever has returned objects
  // calls it until then.
  // Context: as AddSlab.
  bool ReleaseEmptiedCritical();
  size_t critical_slabs();

  // --- For a pass ---

  struct Choice {
    Slab* slab;
    size_t live;
    size_t region;
    int node = 0;
    // How many slabs of this store its region has room for, when nothing else is in it than listed ones of them; else 0.
    size_t region_slabs = 0;
  };
  // The listed slabs at this moment. Until Plan is called, none is given back to the arena, so that the pointers stay
  // good.
  std::vector<Choice> Listed();

  // Plans all critical slabs, before all others, and returns them: what lives there is to leave for ordinary slabs.
  std::vector<Slab*> PlanCritical();

  // Ends what Listed began: takes these slabs off the allocation lists, in this order.
  void Plan(absl::Span<Slab* const> slabs);
  bool HasPlanned();
  // The allocated objects of a slab that was planned, and where `movable` says they would best lie; none when the slab
  // has been taken back since. False when it gives no order.
  bool KeysOfPlanned(const Slab& slab, reclaim::Movable& movable, std::vector<void*>& objects,
                     std::vector<reclaim::OrderKey>& keys);
  // Puts one planned slab with free objects back on the lists, for an allocation about to fail. False when there is
  // none.
  bool TakeBackPlanned();
  // Puts all planned slabs back, and those set aside.
  void Unplan();

  // Marks the first planned slab and returns it; null when there is none.
  Slab* MarkNextPlanned();

  size_t Live(const Slab& slab);

  // Freezes a marked slab, collects its allocated objects and asks `movable`. On false nothing is pinned, `objects` is
  // empty.
  bool Isolate(Slab& slab, reclaim::Movable& movable, std::vector<void*>& objects);

  // The same with one object of a slab that is frozen already; `objects` stays empty when it has been freed.
  bool AskAgain(const Slab& slab, void* object, reclaim::Movable& movable, std::vector<void*>& objects);
  std::vector<void*> Allocated(const Slab& slab);

  // Ends a batch, after its grace period: frees what was moved away, gives the slabs that are empty now back to the
  // arena, and lists the others again, their free objects constructed. Returns how many were given back.
  //
  // kKeepEmpty lists those that are empty too, for the batches to come. kSetAside lists nothing until Unplan, so that
  // what has been evacuated is no destination; an allocation about to fail gets them as it gets planned ones.
  // Context: no locks, no owner section; a retire callback, or in the retiring thread's turn.
  enum class AfterSettling { kReleaseEmpty, kKeepEmpty, kSetAside };
  size_t Settle(absl::Span<Slab* const> victims, absl::Span<void* const> moved,
                AfterSettling after = AfterSettling::kReleaseEmpty);

  // For evacuations of a range of addresses: gives its empty slabs back, as ReleaseEmpty; whether a slab reaches into it.
  size_t ReleaseEmptyIn(uintptr_t begin, uintptr_t end);
  bool ReachesInto(uintptr_t begin, uintptr_t end);

  // --- Statistics and checks ---

  struct Counts {
    size_t slabs = 0;
    size_t empty = 0;
    size_t places = 0;     // of all slabs
    size_t allocated = 0;  // clear bits in the free maps: live, cached or retired
    size_t critical = 0;   // of the slabs, those from page pools
    uint64_t created = 0;
    uint64_t released = 0;
  };
  Counts GetCounts();
  // What of the counts is on one node. REQUIRES: 0 <= node < nodes.
  struct NodeCounts {
    size_t slabs = 0;
    size_t allocated = 0;
  };
  NodeCounts GetNodeCounts(int node);
  // All slabs, as they are at one moment. Looks at each under the lists' lock: some nanoseconds a slab.
  std::vector<SlabView> View();
  // REQUIRES: `object` is one of this store's.
  bool IsFree(const void* object);
  // No slab is planned or marked, as there is no pass.
  bool AtRest();
  absl::Status CheckInvariants();

  // For forks (fork.cc).
  void LockForFork() ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex_) { mutex_.Lock(); }
  void ReleaseAfterFork(ForkSide side) ABSL_UNLOCK_FUNCTION(mutex_) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (side == ForkSide::kChild) detachments_ = 0;  // those threads are gone, and what they had detached with them
    mxa::ReleaseAfterFork(mutex_, side);
  }

 private:
  // Whether `object` lies in the units of `slab`, which is one of this store's.
  bool InRun(const Slab& slab, const void* object) const;
  char* At(const Slab& slab, size_t index) const { return slab.objects + prefix_ + index * stride_; }
  size_t IndexOf(const Slab& slab, const void* object) const;
  // Appends its allocated objects.
  void CollectLocked(const Slab& slab, std::vector<void*>& objects) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes a slab with objects of a run: its fields, its maps, its objects constructed. False when there is no memory.
  bool Furnish(Slab& slab, size_t capacity);
  // Undoes what Furnish did, for a slab that is nobody's any more, and tells the handlers.
  void Strip(Slab& slab);
  void CountNewLocked(const Slab& slab) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<Slab*> DetachLocked(std::vector<Slab*> slabs) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Puts a slab where its state of rest is: on the lists, or among the critical ones.
  void RestLocked(Slab& slab) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The slab that `object` lies in; CHECKs that it is one of ours.
  Slab& OwnSlabOf(const void* object) const;
  // Sets the free bit of `object`; CHECKs that there is an object there, and that it is allocated.
  void MarkFreeLocked(Slab& slab, const void* object) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetLiveLocked(Slab& slab, size_t live) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  size_t NodeOf(const Slab& slab) const { return static_cast<size_t>(arena_.NodeOf(&slab)); }
  SlabLists& ListsOf(const Slab& slab) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return lists_[NodeOf(slab)]; }
  // The fullest slab with a free object, of `node` first. Null when there is none.
  Slab* FullestLocked(size_t node, bool strict) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  size_t EmptyCountLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes an empty slab off, of the node that has most of them, while more than `keep` are there. Null when there is
  // none.
  Slab* TakeEmptyLocked(size_t keep) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<Slab*> DetachEmptyLocked(size_t keep) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // How many empty slabs TrimEmpty lets stay.
  size_t EmptyLimitLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[noreturn]] void ReportBadFree(const Slab* slab, const void* object, const char* what) const;
  // Runs what is due on the free objects of a slab that stays, until nothing is due; then lists it.
  void RelistSettled(Slab& slab, bool aside);
  void RunDestructors(Slab& slab);
  // Hands slabs that are nobody's any more to the arena; returns how many.
  size_t GiveBack(std::vector<Slab*>& runs);
  void PrepareRelease(Slab& slab) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckSlab(const Slab& slab) const;

  CacheCore* const owner_;
  const CacheOptions& options_;
  Arena& arena_;
  CacheHooks* const hooks_;
  size_t prefix_ = 0;  // from the start of an object's place to the object
  size_t stride_ = 0;
  size_t units_ = 1;
  size_t capacity_ = 0;
  uint64_t inverse_stride_ = 0;  // offset * inverse >> 64 = offset / stride
  size_t empty_limit_ = 0;       // slabs that may wait for CacheOptions::empty_slab_delay

  Mutex mutex_;
  std::vector<SlabLists> lists_ ABSL_GUARDED_BY(mutex_);  // by node
  std::vector<NodeCounts> node_counts_ ABSL_GUARDED_BY(mutex_);
  IntrusiveList<Slab> planned_ ABSL_GUARDED_BY(mutex_);
  IntrusiveList<Slab> aside_ ABSL_GUARDED_BY(mutex_);     // planned, and settled: an evacuation did not get them empty
  IntrusiveList<Slab> critical_ ABSL_GUARDED_BY(mutex_);  // those with room in front
  IntrusiveList<Slab> emptied_ ABSL_GUARDED_BY(mutex_);   // critical ones, to be given back
  IntrusiveList<Slab> victims_ ABSL_GUARDED_BY(mutex_);
  std::atomic<size_t> emptied_count_{0};           // changed under the lock
  bool planning_ ABSL_GUARDED_BY(mutex_) = false;  // between Listed and Plan
  Counts counts_ ABSL_GUARDED_BY(mutex_);
  size_t detachments_ ABSL_GUARDED_BY(mutex_) =
      0;  // detached and not yet given back: callers that still need the store
  size_t fewest_empty_ ABSL_GUARDED_BY(mutex_) = 0;  // since decayed_at_
  int64_t decayed_at_ ABSL_GUARDED_BY(mutex_) = 0;   // 0: no empty slab has been seen
  // More empty slabs than may stay. Relaxed: a hint to the thread that set it, which calls TrimEmpty next.
  std::atomic<bool> too_many_empty_{false};
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_SLAB_STORE_H_
