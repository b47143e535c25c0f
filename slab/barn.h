// SPDX-License-Identifier: Apache-2.0
//
// The barn: sheaves that the threads of a cache share, full ones and empty ones.
//
// Invariants: S4 (cache.h): full sheaves are full, empty ones empty.
//   B1  while the barn filters, no object of a marked slab goes in; after TakeAllFull none is in it.
// Threads: any; one leaf lock. Called inside owner sections.
#ifndef MXA_SLAB_BARN_H_
#define MXA_SLAB_BARN_H_

#include <cstddef>

#include "base/mutex.h"
#include "slab/sheaf.h"

namespace mxa::slab {

class Arena;

class Barn {
 public:
  explicit Barn(const Arena& arena) : arena_(arena) {}
  Barn(const Barn&) = delete;
  Barn& operator=(const Barn&) = delete;
  // REQUIRES: no full sheaf is left.    (CHECKed)
  ~Barn();

  // How many sheaves of each kind are worth keeping; follows the number of threads.
  void SetLimit(size_t sheaves);

  // A full sheaf, or null.
  Sheaf* TakeFull();
  // False when the barn has enough, or filters and `sheaf` holds an object of a marked slab: the caller keeps it.
  bool PutFull(Sheaf* sheaf);

  // An empty sheaf, or null.
  Sheaf* TakeEmpty();
  // Keeps or deletes it.
  void PutEmpty(Sheaf* sheaf);

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

 private:
  const Arena& arena_;
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
