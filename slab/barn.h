// SPDX-License-Identifier: Apache-2.0
//
// The barn: sheaves that the threads of a cache share that run on one node, full ones and empty ones.
//
// Invariants: S4 (cache.h): full sheaves are full, empty ones empty.
//   B1  while the barn filters, no object of a marked slab goes in; after TakeAllFull none is in it.
//   B2  every object in it lies on its node.
// Threads: any; one leaf lock. Called inside owner sections.
#ifndef MXA_SLAB_BARN_H_
#define MXA_SLAB_BARN_H_

#include <cstddef>

#include "base/fork_lock.h"
#include "base/mutex.h"
#include "slab/sheaf.h"

namespace mxa::slab {

class Arena;

class Barn {
 public:
  // REQUIRES: 0 <= node < arena.topology().nodes().
  explicit Barn(const Arena& arena, int node = 0) : arena_(arena), node_(node) {}
  Barn(const Barn&) = delete;
  Barn& operator=(const Barn&) = delete;
  // REQUIRES: no full sheaf is left.    (CHECKed)
  ~Barn();

  // How many sheaves of each kind are worth keeping; follows the number of threads.
  void SetLimit(size_t sheaves);

  // A full sheaf, or null.
  Sheaf* TakeFull();
  // False when the barn has enough, when `sheaf` holds an object of another node, or when the barn filters and it holds
  // one of a marked slab: the caller keeps it.
  bool PutFull(Sheaf* sheaf);

  // A full sheaf for the empty one that the caller has, which goes in when `kept` is set; null when there is none.
  Sheaf* ExchangeEmpty(Sheaf* empty, bool& kept);
  // An empty sheaf for a full one; null when the barn has none or refuses `full` as PutFull does: the caller keeps it.
  // `refused` tells which.
  Sheaf* ExchangeFull(Sheaf* full, bool& refused);

  int node() const { return node_; }

  // An empty sheaf, or null.
  Sheaf* TakeEmpty();
  // False when the barn has enough: the caller keeps it.
  bool PutEmpty(Sheaf* sheaf);

  // From here on PutFull refuses sheaves with objects of marked slabs.
  void StartFiltering();
  void StopFiltering();
  bool filtering() const;

  // Takes all full sheaves, as a list through next_in_barn.
  Sheaf* TakeAllFull();

  size_t cached_objects() const;

  // For checks; `visit(Sheaf&)` runs under the barn's lock.
  template <typename Visit>
  void ForEachFull(Visit visit) {
    MutexLock lock(&mutex_);
    for (Sheaf* sheaf = full_; sheaf != nullptr; sheaf = sheaf->next_in_barn) visit(*sheaf);
  }

  // For forks (fork.cc).
  void LockForFork() ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex_) { mutex_.Lock(); }
  void ReleaseAfterFork(ForkSide side) ABSL_UNLOCK_FUNCTION(mutex_) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mxa::ReleaseAfterFork(mutex_, side);
  }

 private:
  bool HoldsRemoteObjects(Sheaf& sheaf) const;
  bool AcceptsFull(Sheaf& sheaf) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PushFull(Sheaf* sheaf) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Sheaf* PopFull() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool PushEmpty(Sheaf* sheaf) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Sheaf* PopEmpty() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Arena& arena_;
  const int node_;
  mutable Mutex mutex_;
  Sheaf* full_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Sheaf* empty_ ABSL_GUARDED_BY(mutex_) = nullptr;
  size_t full_count_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t empty_count_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t limit_ ABSL_GUARDED_BY(mutex_) = 4;
  bool filtering_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_BARN_H_
