// SPDX-License-Identifier: Apache-2.0
//
// The movable slab cache that the values of any number of MovableMaps of one kind live in, with the mover that moves
// them.
//
// Threads: everything but the destructor, from any thread at once.
#ifndef MXA_XARRAY_VALUE_CACHE_H_
#define MXA_XARRAY_VALUE_CACHE_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "slab/cache.h"
#include "xarray/map_value.h"
#include "xarray/value_mover.h"

namespace mxa::xarray {

// What a value cache must know of its values.
struct ValueKind {
  size_t size;
  size_t alignment;
  // Ends the bytes of a value, of which it is given the whole object, and resets the header, when nobody reads it any
  // more; runs where CacheOptions::rcu_destructor does.
  void (*end)(void* object);
};

class ValueCache {
 public:
  // `arena` null: slab::Arena::Default().
  // Errors: as slab::Cache::Create.
  static absl::StatusOr<std::unique_ptr<ValueCache>> Create(const ValueKind& kind, slab::Arena* arena = nullptr);

  // REQUIRES: every map that uses it has been destroyed.    (CHECKed)
  // Context: as slab::Cache's destructor.
  ~ValueCache();
  ValueCache(const ValueCache&) = delete;
  ValueCache& operator=(const ValueCache&) = delete;

  // A value in its constructed state, its bytes whatever they were; null when no memory can be had.
  // Context: outside the lock of a map: may wait and take memory back.
  [[nodiscard]] MapValue* Allocate();
  // Takes back a value that no map has stored. Its bytes are nothing to be destroyed.
  void Free(MapValue* value);
  // Takes back a value that has left its map (V3); destroys it after a grace period.
  // Context: any, also under the lock of a map.
  void Retire(MapValue* value);

  // Copies a value's bytes, under the lock of the map that `from` is in.
  void CopyBytes(const MapValue& from, MapValue& to) const;

  size_t offset() const { return offset_; }
  const ValueKind& kind() const { return kind_; }

  // For compaction, statistics and checks.
  slab::Cache& slabs() { return *slabs_; }
  ValueMover& mover() { return mover_; }

 private:
  explicit ValueCache(const ValueKind& kind) : kind_(kind), offset_(MapValue::OffsetFor(kind.alignment)) {}

  const ValueKind kind_;
  const size_t offset_;  // of the bytes in a value
  ValueMover mover_;     // before the slabs: it outlives them
  std::unique_ptr<slab::Cache> slabs_;
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_VALUE_CACHE_H_
