// SPDX-License-Identifier: Apache-2.0
//
// What a cache is made from, and the flags of one allocation.
#ifndef MXA_SLAB_CACHE_OPTIONS_H_
#define MXA_SLAB_CACHE_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "slab/debug/debug_options.h"

namespace mxa {
class FaultInjector;
}  // namespace mxa
namespace mxa::reclaim {
class Movable;
}  // namespace mxa::reclaim

namespace mxa::slab {

class Arena;
class NotifierChain;
class PagePool;

struct CacheOptions {
  std::string name = {};

  // Bytes an object, 8 to 256 KiB.
  size_t object_size = 0;
  // A power of two up to 4096.
  size_t alignment = 8;

  // Brings raw memory into the constructed state, which Allocate hands out and Free expects back. Null: zeroed memory
  // when the slab is new, whatever the last user left after that.
  void (*constructor)(void* object) = nullptr;

  // Undoes the constructor: runs once for each object when its slab goes back, and for the old place of an object that
  // was moved, after the grace period. Runs on whichever thread gives the slab back, outside all locks of the cache.
  void (*destructor)(void* object) = nullptr;

  // Runs once for each object passed to FreeRcu, after its grace period and before it can be allocated again, and
  // leaves it in the constructed state. Runs on the reclaimer's thread or on one that runs a pass over this cache, with reclaim
  // forbidden.
  void (*rcu_destructor)(void* object) = nullptr;

  // Who can move the objects. Needs a constructor, so that a pass may look at any allocated object. Outlives the cache.
  reclaim::Movable* movable = nullptr;

  // Where the slabs come from; null: Arena::Default(). Outlives the cache.
  Arena* arena = nullptr;

  // Objects a sheaf; 0: by object size.
  size_t sheaf_capacity = 0;

  // A pool that the slabs of this cache refill, when it is short, before they go back to the arena. (Which allocations it
  // serves is said by each: Cache::AllocateCritical.) Outlives the cache.
  PagePool* pool = nullptr;

  // Handlers that hear of, and may veto, what this cache hands out (notifier.h). Outlives the cache.
  NotifierChain* notifiers = nullptr;

  // Says which allocations, new slabs and new sheaves fail, for tests of what happens then. Outlives the cache.
  FaultInjector* faults = nullptr;

  // Checks of every object; what it leaves off, the environment variable MXA_SLAB_DEBUG may ask for (debug/README.md).
  DebugOptions debug = {};

  // About every so often one allocation is put between pages that fault (guard/guard_pool.h); zero: as the environment
  // variable MXA_SLAB_GUARD_MS says, and never without it. Objects of more than 4096 bytes,
  // and those with a destructor, are not guarded.
  absl::Duration guard_interval = absl::ZeroDuration();

  // An object passed to FreeRcu waits for others, so that they share a grace period, at most about twice this long.
  absl::Duration rcu_free_delay = absl::Milliseconds(100);

  // A thread that has not exchanged a sheaf for this long gives its free objects back, without its help.
  absl::Duration idle_delay = absl::Seconds(5);

  // An empty slab that was not needed for this long goes back to the system, within about twice this time, whether or
  // not anybody uses the cache: bursts that come more often find their pages still there. 0: at once, but for a few.
  // Shrink, passes and allocations that find no memory do not wait for it. (The idea is jemalloc's decay.)
  absl::Duration empty_slab_delay = absl::Seconds(1);

  // At most about this many bytes of empty slabs wait for that; what is more goes back at once.
  size_t empty_slab_bytes = size_t{1} << 30;
};

enum class AllocFlags : uint32_t {
  kNone = 0,
  // Allocate may wait and take memory back before it fails: what threads and grace periods hold, what other caches of the
  // arena have more than they need (their objects are moved, their destructors run), and what shrinkers drop that allow
  // it. Ignored under an array lock, in a read section, inside reclaim callbacks and passes. Without it Allocate neither
  // waits nor reclaims.
  kMayReclaim = 1,
  // Never ask the arena for a new slab: take only what lies ready.
  kNoNewSlab = 2,
};

constexpr AllocFlags operator|(AllocFlags a, AllocFlags b) {
  return static_cast<AllocFlags>(static_cast<uint32_t>(a) | static_cast<uint32_t>(b));
}
constexpr bool Has(AllocFlags flags, AllocFlags flag) {
  return (static_cast<uint32_t>(flags) & static_cast<uint32_t>(flag)) != 0;
}

}  // namespace mxa::slab

#endif  // MXA_SLAB_CACHE_OPTIONS_H_
