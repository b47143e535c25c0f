// SPDX-License-Identifier: Apache-2.0
//
// The movable cache that the objects of any number of tables live in, with the mover that moves them.
//
// Threads: everything but the destructor, from any thread at once.
#ifndef MXA_EXAMPLES_COUNTED_TABLE_COUNTED_CACHE_H_
#define MXA_EXAMPLES_COUNTED_TABLE_COUNTED_CACHE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "examples/counted_table/counted_object.h"
#include "reclaim/one_by_one.h"
#include "reclaim/owner_pin.h"
#include "slab/cache.h"

namespace mxa::examples {

// Moves objects that nobody but their table holds. The steps are those of README.md.
class CountedMover final : public reclaim::OneByOne {
 public:
  // Waits until this mover does not touch `table`, which no object names any more.
  void AwaitUnpinned(const CountedTable* table) { pin_.AwaitUnpinned(table); }

 private:
  bool MayMove(const void* object) override;
  reclaim::MoveResult Move(void* object, void* destination) override;

  reclaim::OwnerPin pin_;
};

class CountedCache {
 public:
  static absl::StatusOr<std::unique_ptr<CountedCache>> Create(slab::Arena* arena = nullptr);
  // REQUIRES: every table, and every reference, has ended.    (CHECKed)
  ~CountedCache();
  CountedCache(const CountedCache&) = delete;
  CountedCache& operator=(const CountedCache&) = delete;

  // In its constructed state; null when no memory can be had. Context: outside the lock of a table.
  [[nodiscard]] CountedObject* Allocate();
  // Takes back what was never linked.
  void Free(CountedObject* object);
  // Gives a reference back, and frees the object after a grace period if it was the last. Context: any.
  void Drop(CountedObject* object);

  slab::Cache& slabs() { return *slabs_; }
  CountedMover& mover() { return mover_; }

 private:
  CountedCache() = default;

  CountedMover mover_;  // before the slabs: it outlives them
  std::unique_ptr<slab::Cache> slabs_;
};

}  // namespace mxa::examples

#endif  // MXA_EXAMPLES_COUNTED_TABLE_COUNTED_CACHE_H_
