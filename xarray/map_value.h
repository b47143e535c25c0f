// SPDX-License-Identifier: Apache-2.0
//
// A value of a MovableMap as it lies in its cache: a header that says whose it is and where, then the user's bytes.
//
// Invariants:
//   V1  constructed state: no owner. An object of a value cache is in it whenever no map has stored it.
//   V2  from the first moment that a map is its owner until it has left its cache, index and bytes do not change: who
//       finds it reads it without a lock, and a change is another value in its place.
//   V3  it has left the map for good when the owner is RetiredMap(); readers may still read the bytes.
// Threads: the owner word by anybody; index by who has seen an owner; bytes by readers that found the value, under RCU.
#ifndef MXA_XARRAY_MAP_VALUE_H_
#define MXA_XARRAY_MAP_VALUE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "xarray/entry.h"

namespace mxa::xarray {

class MovableMapCore;

// The owner of values that have left their map.
inline MovableMapCore* RetiredMap() { return reinterpret_cast<MovableMapCore*>(uintptr_t{1}); }

class MapValue {
 public:
  MapValue() = default;  // the constructed state
  MapValue(const MapValue&) = delete;
  MapValue& operator=(const MapValue&) = delete;

  // ORDER(value-owner) acquire; pairs with the releases in SetOwner and Retire. Who sees a map sees it made, and index
  // and bytes as they stay; who sees that the value has left finds what came in its place in the tree.
  MovableMapCore* owner() const { return owner_.load(std::memory_order_acquire); }
  // Relaxed: the owner orders it. Atomic because the mover may look at a value that leaves the map before it has the lock:
  // its slab may be settled, and it may be stored again, before anything else orders that after this look.
  uint64_t index() const { return index_.load(std::memory_order_relaxed); }

  // REQUIRES: the bytes have been written; the value has no owner.
  void SetOwner(MovableMapCore* owner, uint64_t index) {
    index_.store(index, std::memory_order_relaxed);  // relaxed: as the next line orders it
    // ORDER(value-owner) release; pairs with the acquire in owner().
    owner_.store(owner, std::memory_order_release);
  }
  // After its link is gone. ORDER(value-owner) release; pairs with the acquire in owner().
  void Retire() { owner_.store(RetiredMap(), std::memory_order_release); }
  // Back to V1: it was never stored, or its grace period has passed.
  // Relaxed: what comes next, the cache orders.
  void Reset() { owner_.store(nullptr, std::memory_order_relaxed); }

  // The bytes lie behind the header, as far as their alignment asks for.
  static constexpr size_t OffsetFor(size_t alignment) { return alignment > kHeader ? alignment : kHeader; }
  void* At(size_t offset) { return reinterpret_cast<char*>(this) + offset; }
  const void* At(size_t offset) const { return reinterpret_cast<const char*>(this) + offset; }

 private:
  static constexpr size_t kHeader = 16;

  std::atomic<MovableMapCore*> owner_{nullptr};
  std::atomic<uint64_t> index_{0};
};
static_assert(sizeof(MapValue) == 16);

// REQUIRES: `entry` is null or a value's.
inline const MapValue* EntryValue(Entry entry) { return reinterpret_cast<const MapValue*>(entry); }
inline MapValue* EntryValueLocked(Entry entry) { return reinterpret_cast<MapValue*>(entry); }
inline Entry ValueEntry(const MapValue* value) { return reinterpret_cast<Entry>(value); }

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_MAP_VALUE_H_
