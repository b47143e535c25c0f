// SPDX-License-Identifier: Apache-2.0
//
// A sheaf of one's own: objects for sure, got where waiting and failing are allowed, used where they are not.
//
//   absl::StatusOr<PrefilledSheaf> sheaf = cache.Prefill(8, AllocFlags::kMayReclaim);
//   if (!sheaf.ok()) return sheaf.status();
//   MutexLock lock(&mutex);
//   void* object = sheaf->Allocate();   // cannot fail eight times
//
// After the prefilled sheaves of Babka (2024).
// Threads: one at a time, any.
#ifndef MXA_SLAB_PREFILLED_SHEAF_H_
#define MXA_SLAB_PREFILLED_SHEAF_H_

#include <cstddef>

#include "slab/cache_options.h"

namespace mxa::slab {

class CacheCore;
struct Sheaf;

// Gives what is left back when it goes. Must go before its cache does.
class [[nodiscard]] PrefilledSheaf {
 public:
  PrefilledSheaf(PrefilledSheaf&& other) noexcept;
  PrefilledSheaf& operator=(PrefilledSheaf&& other) noexcept;
  ~PrefilledSheaf();

  // How many objects can be allocated from it.
  size_t size() const;

  // An object in its constructed state; it is freed as any other of the cache.
  //
  // REQUIRES: size() > 0.    (CHECKed)
  // Context: any; takes no lock, never waits, never fails.
  [[nodiscard]] void* Allocate();

  // Makes size() at least `count`. False when there is no memory: then the sheaf is as it was.
  //
  // Context: as Cache::Allocate with these flags.
  [[nodiscard]] bool Refill(size_t count, AllocFlags flags = AllocFlags::kNone);

  // Gives what is left back now.
  // Context: as Cache::Free.
  void Return();

 private:
  friend class Cache;
  PrefilledSheaf(CacheCore* cache, Sheaf* sheaf);

  CacheCore* cache_;
  Sheaf* sheaf_;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_PREFILLED_SHEAF_H_
