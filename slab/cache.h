// SPDX-License-Identifier: Apache-2.0
//
// A cache of objects of one size: thread-local sheaves over a barn over slabs, movable on request.
//
//   auto cache = mxa::slab::Cache::Create({.name = "dentry", .object_size = 192}).value();
//   void* object = cache->Allocate();
//   cache->Free(object);
//
// Invariants (cited by CheckInvariants):
//   S1  a slab's live count is the number of clear bits in its free map, and at most its capacity.
//   S2  a slab is on exactly the list that its state and live count say.
//   S3  live + cached + retired + free = capacity of all slabs.
//   S4  sheaves hold no more than their capacity; the barn's full sheaves are full.
//   S5  no object is in two places.
//   S6  no allocation from a marked or isolated slab; no marks without a pass.
// Threads: Allocate, Free, FreeRcu, Compact, Shrink and the statistics from any thread at once. Destruction and
// CheckInvariants only while no other thread uses the cache.
// Progress: Allocate and Free touch only the thread's own sheaves in the common case; a pass makes them wait at most
// for a drain.
#ifndef MXA_SLAB_CACHE_H_
#define MXA_SLAB_CACHE_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "slab/cache_options.h"
#include "slab/cache_stats.h"
#include "slab/compact_options.h"

namespace mxa::slab {

class CacheCore;

class Cache {
 public:
  // Errors: kInvalidArgument names the option that makes no sense.
  static absl::StatusOr<std::unique_ptr<Cache>> Create(const CacheOptions& options);

  // Waits for what is retired. REQUIRES: every object has been freed (leaked ones are named), no other thread is
  // inside.    (CHECKed)
  // Context: waits for grace periods; no read section, array lock or reclaim callback on this thread.    (CHECKed)
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // Returns an object in its constructed state, or null when no memory can be had.
  //
  // Context: any but CanFree; may take one leaf lock; waits only with kMayReclaim, and then not under an array lock.
  [[nodiscard]] void* Allocate(AllocFlags flags = AllocFlags::kNone);

  // Takes an object back that no reader can reach. With a constructor: it must be in its constructed state again.
  //
  // Context: any but CanFree; never waits, never fails.
  void Free(void* object);

  // Takes an object back that readers may still hold: it is reused after a grace period.
  //
  // Context: any but CanFree, also inside a read section and under an array lock; never waits for the grace period,
  // never fails.
  void FreeRcu(void* object);

  // Waits until every object passed to FreeRcu before this call is reusable or given back.
  // Context: as the destructor.
  void FreeRcuBarrier();

  // Gives empty slabs back, those included that threads and the barn kept from being empty.
  //
  // Context: as the destructor. Returns the number of slabs released.
  size_t Shrink();

  // Runs one pass: moves objects out of sparse slabs and gives the emptied slabs back. A second concurrent pass is
  // refused.
  //
  // Errors: kFailedPrecondition for a cache without Movable, kUnavailable when a pass is running.
  // Context: as the destructor.
  absl::StatusOr<CompactStats> Compact(const CompactOptions& options = {});

  CacheStats Stats() const;
  // Sums over all passes so far.
  CompactStats TotalCompactStats() const;
  const std::string& name() const;
  Arena& arena() const;

  // OK, or the number of the invariant that does not hold and where.
  absl::Status CheckInvariants() const;

 private:
  explicit Cache(std::unique_ptr<CacheCore> core);
  std::unique_ptr<CacheCore> core_;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_CACHE_H_
