// SPDX-License-Identifier: Apache-2.0
//
// What a cache is made from, and the flags of one allocation.
#ifndef MXA_SLAB_CACHE_OPTIONS_H_
#define MXA_SLAB_CACHE_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace mxa::reclaim {
class Movable;
}  // namespace mxa::reclaim

namespace mxa::slab {

class Arena;

struct CacheOptions {
  std::string name;

  // Bytes an object, 8 to 64 KiB.
  size_t object_size = 0;
  // A power of two up to 4096.
  size_t alignment = 8;

  // Brings raw memory into the constructed state, which Allocate hands out and Free expects back. Null: zeroed memory
  // when the slab is new, whatever the last user left after that.
  void (*constructor)(void* object) = nullptr;

  // Runs once for each object passed to FreeRcu, after its grace period and before it can be allocated again, and
  // leaves it in the constructed state. Runs on the reclaimer's thread with reclaim forbidden.
  void (*rcu_destructor)(void* object) = nullptr;

  // Who can move the objects. Needs a constructor, so that a pass may look at any allocated object. Outlives the cache.
  reclaim::Movable* movable = nullptr;

  // Where the slabs come from; null: Arena::Default(). Outlives the cache.
  Arena* arena = nullptr;

  // Objects a sheaf; 0: by object size.
  size_t sheaf_capacity = 0;
};

enum class AllocFlags : uint32_t {
  kNone = 0,
  // Allocate may take memory back first, which moves objects. Ignored under an array lock and inside reclaim callbacks.
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
