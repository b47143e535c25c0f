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
// Fork: the child uses every cache as the parent does; what other threads had allocated stays live there
// (reclaim/README.md). Not from a constructor, a destructor or a Movable.
// Progress: Allocate and Free touch only the thread's own sheaves in the common case; a pass makes them wait at most
// for a drain.
#ifndef MXA_SLAB_CACHE_H_
#define MXA_SLAB_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "slab/cache_options.h"
#include "slab/cache_stats.h"
#include "slab/compact_options.h"
#include "slab/prefilled_sheaf.h"
#include "slab/slab_view.h"

namespace mxa::slab {

class CacheCore;
class PagePool;

class Cache {
 public:
  // Errors: kInvalidArgument names the option that makes no sense.
  // Context: may wait for a ForEachCache (cache_registry.h) under way; not inside one or a reclaim callback.  (CHECKed)
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

  // The same with every byte of the object zero. REQUIRES: the cache has no constructor.    (CHECKed)
  [[nodiscard]] void* AllocateZeroed(AllocFlags flags = AllocFlags::kNone);

  // Fills `objects`, or leaves it all null and returns false: all or nothing.
  // Context: as Allocate.
  [[nodiscard]] bool AllocateBulk(absl::Span<void*> objects, AllocFlags flags = AllocFlags::kNone);

  // Allocate that falls back on the reserve of `pool` when there is no memory, and waits for that up to `timeout`: the
  // object then comes from a slab that serves nobody else, and goes back to the pool when it is empty.
  //
  // REQUIRES: the pool is of this cache's arena, and its runs are large enough for this cache's slabs.    (CHECKed)
  // Context: as Allocate; with a timeout, outside read sections, array locks and reclaim callbacks.    (CHECKed)
  [[nodiscard]] void* AllocateCritical(PagePool& pool, absl::Duration timeout = absl::ZeroDuration());

  // A sheaf from which `count` objects can be allocated without fail (prefilled_sheaf.h). They count as live, and a pass
  // leaves them where they are.
  //
  // Errors: kResourceExhausted when there is no memory for them.
  // Context: as Allocate.
  absl::StatusOr<PrefilledSheaf> Prefill(size_t count, AllocFlags flags = AllocFlags::kNone);

  // Takes an object back that no reader can reach. With a constructor: it must be in its constructed state again.
  // REQUIRES: it is an object of this cache, with the user. A pointer that is not, null too, ends the process at the
  // latest when it reaches the slabs; with debug options at once.
  //
  // Context: any but CanFree; never waits, never fails.
  void Free(void* object);

  // Free for each of `objects`.
  void FreeBulk(absl::Span<void* const> objects);

  // Takes an object back that readers may still hold: it is reused after a grace period.
  //
  // Context: any but CanFree, also inside a read section and under an array lock; never fails, and never waits for a
  // grace period unless the system has no memory for a sheaf of pointers and the cache none to spare. Where it may not
  // wait then, it ends the process.
  void FreeRcu(void* object);

  // Waits until every object passed to FreeRcu before this call is reusable or given back. Nobody needs to call it for
  // that to happen: an object waits for its grace period at most a little longer than CacheOptions::rcu_free_delay.
  // Context: as the destructor.
  void FreeRcuBarrier();

  // Gives empty slabs back, those included that threads and the barn kept from being empty.
  //
  // Context: as the destructor. Returns the number of slabs released.
  size_t Shrink();

  // Runs one pass: moves objects out of sparse slabs and gives the emptied slabs back. A second concurrent pass is
  // refused.
  //
  // Errors: kFailedPrecondition for a cache without Movable, or without an order when kOrder asks for one;
  // kInvalidArgument for a node that is not there, or a limit that makes no sense; kUnavailable when a pass is running;
  // kResourceExhausted for kOrder without memory for a second copy. Nothing has moved then.
  // Context: as the destructor.
  absl::StatusOr<CompactStats> Compact(const CompactOptions& options = {});

  CacheStats Stats() const;
  // Sums over all passes so far.
  CompactStats TotalCompactStats() const;
  CacheShape Shape() const;
  // Every slab by itself. Holds the lists' lock for some nanoseconds a slab, and allocations that need it up.
  std::vector<SlabView> Slabs() const;
  const std::string& name() const;
  Arena& arena() const;

  // OK, or the number of the invariant that does not hold and where.
  absl::Status CheckInvariants() const;

 private:
  friend class CacheSource;  // (cache_source.h) as the reclaimer's
  friend class CachePeer;    // tests/support
  explicit Cache(std::unique_ptr<CacheCore> core);
  std::unique_ptr<CacheCore> core_;
  const uint32_t near_place_;  // beside the core, not in it: one load less on the fast paths
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_CACHE_H_
