// SPDX-License-Identifier: Apache-2.0
//
// The untyped map of values: an array of pointers to values that move by themselves, beside the array's nodes.
//
// Invariants (cited by CheckInvariants):
//   B1  every entry is a value whose owner is this map and whose index is the entry's.
//   B2  the size is the number of entries.
// Threads (row runs at once with column; "lock": one after the other, by the array's own lock):
//                 readers   writers   destroy
//   readers       yes       yes       no
//   writers       yes       lock      no
//   a pass        yes       yes       yes
// Readers: Find, size, array(). Writers: the rest. The values' cache and the nodes' may run passes at the same time.
// Why a value names its map and its index: the mover starts from the value, and needs a lock and a slot.
// Why a map never writes to a value that it has published: a value is read while it is copied to another place, and the
// reader may be in either copy.
#ifndef MXA_XARRAY_MOVABLE_MAP_CORE_H_
#define MXA_XARRAY_MOVABLE_MAP_CORE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/schedule_point.h"
#include "reclaim/movable.h"
#include "xarray/array_core.h"
#include "xarray/map_value.h"
#include "xarray/mark.h"
#include "xarray/value_cache.h"

namespace mxa::xarray {

class MovableMapCore {
 public:
  MovableMapCore(ValueCache& values, NodeCache& nodes) : array_(nodes), values_(values) {}

  // Retires every value. Waits at most for the move of one value and of one node.
  // REQUIRES: no reader or writer is inside; passes may be.
  ~MovableMapCore();
  MovableMapCore(const MovableMapCore&) = delete;
  MovableMapCore& operator=(const MovableMapCore&) = delete;

  // The value at `index`, or null. REQUIRES: a read section is open on this thread.
  const MapValue* Find(uint64_t index) const {
    const MapValue* value = EntryValue(array_.LoadInSection(index));
    MXA_SCHEDULE_POINT("map.found");
    return value;
  }

  // Where the user builds the bytes of a value before it is stored; null when no memory can be had.
  // Context: as ValueCache::Allocate.
  [[nodiscard]] MapValue* Allocate();
  // Takes back what no call below took. Its bytes are nothing to be destroyed any more.
  void Free(MapValue* value) { values_.Free(value); }

  // Stores `value` at `index`; true if it replaces one, which is retired. Marks stay.
  // Context: takes the lock; allocates nodes.
  // Errors: kResourceExhausted; the map is unchanged, and `value` is still the caller's.
  absl::StatusOr<bool> Store(uint64_t index, MapValue* value);
  // As Store where nothing is. Errors: kAlreadyExists, kResourceExhausted.
  absl::Status Insert(uint64_t index, MapValue* value);
  // Puts `value` in place of the one at `index`, after `make` has built its bytes from those that are there, both at
  // their offset in the values. False when there is none, and `value` is still the caller's.
  // Context: takes the lock, also while `make` runs: it must not use the map, wait, or allocate from movable caches.
  bool Update(uint64_t index, MapValue* value, absl::FunctionRef<void(const void* from, void* to)> make);

  // False if nothing was there. Cannot fail.
  bool Erase(uint64_t index);
  // Removes and retires the values at first..last. REQUIRES: first <= last.    (CHECKed)
  void EraseRange(uint64_t first, uint64_t last);

  bool SetMark(uint64_t index, Mark mark) { return array_.SetMark(index, mark); }
  void ClearMark(uint64_t index, Mark mark) { array_.ClearMark(index, mark); }

  // Exact when no writer is inside. Relaxed: a count; one writer's may come before that of the other that made it true.
  size_t size() const {
    const int64_t size = size_.load(std::memory_order_relaxed);
    return size < 0 ? 0 : static_cast<size_t>(size);
  }

  // For the mover, which has pinned this map: puts `to`, in its constructed state, in the place of `from`, or says why
  // not and leaves `to` as it is.
  // Context: only tries the lock.
  reclaim::MoveResult TryMove(MapValue* from, MapValue* to);

  // OK, or the number of the invariant (B1, B2, X1 to X9) that does not hold and where. Takes the lock.
  // REQUIRES: no writer is inside.
  absl::Status CheckInvariants() const;

  const ArrayCore& array() const { return array_; }
  ValueCache& values() const { return values_; }

 private:
  ArrayCore array_;  // its lock is the map's
  ValueCache& values_;
  std::atomic<int64_t> size_{0};
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_MOVABLE_MAP_CORE_H_
