// SPDX-License-Identifier: Apache-2.0
//
// The cheapest owner that a pass can move objects of: a table of pointers, each object knowing its place in it.
//
// Threads: one. There are no readers, so that moving is a copy and the change of a pointer.
#ifndef MXA_BENCH_SUPPORT_TABLE_OF_OBJECTS_H_
#define MXA_BENCH_SUPPORT_TABLE_OF_OBJECTS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "reclaim/movable.h"
#include "slab/arena.h"
#include "slab/cache.h"

namespace mxa::bench {

class TableOfObjects final : public reclaim::Movable {
 public:
  // `count` objects of `size` bytes, all their pages touched, in an arena of their own.
  TableOfObjects(size_t size, size_t count);
  ~TableOfObjects() override;

  void Free(size_t place);

  slab::Cache& cache() { return *cache_; }
  slab::Arena& arena() { return *arena_; }

  bool CanFree(absl::Span<void*> objects) override;
  void Reclaim(absl::Span<void*> objects, reclaim::MoveTarget& target) override;

 private:
  // At the start of an object; null: not in the table.
  struct Header {
    void** place;
  };

  const size_t size_;
  std::vector<void*> table_;
  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<slab::Cache> cache_;
};

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_TABLE_OF_OBJECTS_H_
