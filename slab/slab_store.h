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

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "reclaim/movable.h"
#include "slab/arena.h"
#include "slab/cache_options.h"
#include "slab/slab.h"
#include "slab/slab_lists.h"

namespace mxa::slab {

class SlabStore {
 public:
  // `options` are valid (cache.cc) and outlive the store.
  SlabStore(CacheCore* owner, const CacheOptions& options, Arena& arena);
  SlabStore(const SlabStore&) = delete;
  SlabStore& operator=(const SlabStore&) = delete;
  // Gives all slabs back. REQUIRES: no object is allocated.    (CHECKed; names the leaked ones)
  ~SlabStore();

  size_t capacity() const { return capacity_; }
  size_t stride() const { return stride_; }

  // Takes up to out.size() free objects out of the fullest slabs; returns how many. Adds no slab.
  size_t Take(absl::Span<void*> out);

  // Gets a slab from the arena, constructs its objects and lists it. False when there is no memory.
  // Context: no owner section: it may make system calls.
  bool AddSlab();

  // Marks objects free in their maps; those of marked slabs become nobody's until Settle.
  // A foreign, interior, or already free pointer ends the process with one line.
  void Return(absl::Span<void* const> objects);

  // As Return, for objects of marked slabs whose rcu_destructor has not run: Settle runs it when nobody looks at the
  // slab any more.
  // REQUIRES: called on the thread that calls Settle.
  void ReturnUndestroyed(absl::Span<void* const> objects);

  // Gives empty slabs back to the arena until at most `keep` are left; returns how many. None while a pass is choosing
  // victims.
  // Context: as AddSlab.
  size_t ReleaseEmpty(size_t keep);
  // The same, keeping what a cache of this size may soon need again.
  void TrimEmpty();

  // --- For a pass ---

  struct Choice {
    Slab* slab;
    size_t live;
    size_t region;
  };
  // The listed slabs at this moment. Until Plan is called, none is given back to the arena, so that the pointers stay
  // good.
  std::vector<Choice> Listed();

  // Ends what Listed began: takes these slabs off the allocation lists, in this order.
  void Plan(absl::Span<Slab* const> slabs);
  bool HasPlanned();
  // Puts one planned slab with free objects back on the lists, for an allocation about to fail. False when there is
  // none.
  bool TakeBackPlanned();
  // Puts all planned slabs back.
  void Unplan();

  // Marks the first planned slab and returns it; null when there is none.
  Slab* MarkNextPlanned();

  size_t Live(const Slab& slab);

  // Freezes a marked slab, collects its allocated objects and asks `movable`. On false nothing is pinned, `objects` is
  // empty.
  bool Isolate(Slab& slab, reclaim::Movable& movable, std::vector<void*>& objects);

  // Ends a batch, after its grace period: frees what was moved away, gives the slabs that are empty now back to the
  // arena, and lists the others again, their free objects constructed. With `keep_empty` those that are empty are
  // listed too, for the batches to come. Returns how many were given back.
  // Context: no locks, no owner section; the reclaimer's thread.
  size_t Settle(absl::Span<Slab* const> victims, absl::Span<void* const> moved, bool keep_empty = false);

  // --- Statistics and checks ---

  struct Counts {
    size_t slabs = 0;
    size_t empty = 0;
    size_t allocated = 0;  // clear bits in the free maps: live, cached or retired
    uint64_t created = 0;
    uint64_t released = 0;
  };
  Counts GetCounts();
  // REQUIRES: `object` is one of this store's.
  bool IsFree(const void* object);
  // No slab is planned or marked, as there is no pass.
  bool AtRest();
  absl::Status CheckInvariants();

 private:
  size_t IndexOf(const Slab& slab, const void* object) const;
  // Sets the free bit of `object`; CHECKs that it is one of ours and allocated.
  Slab& MarkFreeLocked(void* object) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetLiveLocked(Slab& slab, size_t live) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[noreturn]] void ReportBadFree(const Slab* slab, const void* object, const char* what) const;
  // Runs what is due on the free objects of a slab that stays, until nothing is due; then lists it.
  void RelistSettled(Slab& slab);
  void RunDestructors(Slab& slab);
  void PrepareRelease(Slab& slab) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckSlab(const Slab& slab) const;

  CacheCore* const owner_;
  const CacheOptions& options_;
  Arena& arena_;
  size_t stride_ = 0;
  size_t units_ = 1;
  size_t capacity_ = 0;
  uint64_t inverse_stride_ = 0;  // offset * inverse >> 64 = offset / stride

  Mutex mutex_;
  SlabLists lists_ ABSL_GUARDED_BY(mutex_);
  IntrusiveList<Slab> planned_ ABSL_GUARDED_BY(mutex_);
  IntrusiveList<Slab> victims_ ABSL_GUARDED_BY(mutex_);
  bool planning_ ABSL_GUARDED_BY(mutex_) = false;  // between Listed and Plan
  Counts counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_SLAB_STORE_H_
