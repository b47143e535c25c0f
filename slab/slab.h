// SPDX-License-Identifier: Apache-2.0
//
// The descriptor of one slab: an aligned run of units holding objects of one size; it lies outside the objects.
//
// Invariants:
//   L1  live = capacity - popcount(free map).
//   L2  a bit of the dirty map is set only where the free map's is: that object's destructor has still to run.
//   L3  marked is set from the moment a pass takes the slab off the allocation lists for good until it is back on them
//       or released.
// Threads: all fields but `bypass_word` belong to the lists' lock of the owning cache; `owner`, `objects` and `capacity` do
// not change while the slab is in use, so a thread that holds one of its objects may read them.
// Why not a header inside the slab: a page whose objects are gone could not go back while its header lives, and the
// free map would share the page's cache sets and its cold misses.
#ifndef MXA_SLAB_SLAB_H_
#define MXA_SLAB_SLAB_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/bitmap.h"
#include "base/intrusive_list.h"
#include "slab/unit_block.h"

namespace mxa::slab {

class CacheCore;
class PagePool;

enum class SlabState : uint8_t {
  kUnused,    // the unit belongs to no cache
  kListed,    // on an allocation list
  kPlanned,   // chosen by a pass: no allocation from it any more, taken back if memory runs out
  kMarked,    // the current batch empties it: what is freed to it goes straight to its map
  kIsolated,  // frozen: its owner has been asked, its objects are moving
  kCritical,  // from a page pool: serves only allocations that name the pool, and goes back when it is empty
};

inline const char* SlabStateName(SlabState state) {
  switch (state) {
    case SlabState::kUnused:
      return "unused";
    case SlabState::kListed:
      return "listed";
    case SlabState::kPlanned:
      return "planned";
    case SlabState::kMarked:
      return "marked";
    case SlabState::kIsolated:
      return "isolated";
    case SlabState::kCritical:
      return "critical";
  }
  return "corrupt";
}

struct alignas(128) Slab : ListLink {
  // Free and dirty maps of up to this many objects lie in the descriptor itself.
  static constexpr size_t kInlineObjects = 256;

  CacheCore* owner = nullptr;
  char* objects = nullptr;
  uint64_t* maps = nullptr;  // null: in inline_maps
  uint16_t capacity = 0;
  uint16_t live = 0;
  uint8_t units = 0;
  uint8_t units_before = 0;  // in a run's later units: how far back its descriptor is
  SlabState state = SlabState::kUnused;
  std::atomic<uint8_t> bypass_word{0};
  PagePool* pool = nullptr;  // where a critical slab came from
  std::array<uint64_t, 2 * bitmap::WordsFor(kInlineObjects)> inline_maps{};

  uint64_t* free_map() { return maps != nullptr ? maps : inline_maps.data(); }
  uint64_t* dirty_map() { return free_map() + bitmap::WordsFor(capacity); }
  const uint64_t* free_map() const { return maps != nullptr ? maps : inline_maps.data(); }
  const uint64_t* dirty_map() const { return free_map() + bitmap::WordsFor(capacity); }

  // Whether a unit of it lies in these addresses.
  bool ReachesInto(uintptr_t begin, uintptr_t end) const {
    const uintptr_t start = reinterpret_cast<uintptr_t>(objects);
    return start < end && begin < start + units * kUnitSize;
  }

  // Relaxed: a reader must be in an owner section entered after the drain's handshake, or hold a lock the pass has held
  // since it marked; that orders it after SetMarked.
  bool marked() const { return (bypass_word.load(std::memory_order_relaxed) & kMarkedBit) != 0; }
  // Whether its objects bypass sheaves: it is marked, or critical.
  bool bypasses_sheaves() const { return bypass_word.load(std::memory_order_relaxed) != 0; }
  // REQUIRES: the lists' lock is held.
  void SetMarked(bool value) { SetBit(kMarkedBit, value); }
  void SetCritical() { SetBit(kCriticalBit, true); }

 private:
  static constexpr uint8_t kMarkedBit = 1;
  static constexpr uint8_t kCriticalBit = 2;

  void SetBit(uint8_t bit, bool value) {
    const uint8_t word = bypass_word.load(std::memory_order_relaxed);
    bypass_word.store(static_cast<uint8_t>(value ? word | bit : word & ~bit), std::memory_order_relaxed);
  }
};

// A region's 32 descriptors fill one page, so that it can be committed with its region.
static_assert(sizeof(Slab) == 128);

}  // namespace mxa::slab

#endif  // MXA_SLAB_SLAB_H_
