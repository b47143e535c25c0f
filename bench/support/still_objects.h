// SPDX-License-Identifier: Apache-2.0
//
// Caches for allocation benchmarks: the same constructor with and without somebody who could move the objects.
#ifndef MXA_BENCH_SUPPORT_STILL_OBJECTS_H_
#define MXA_BENCH_SUPPORT_STILL_OBJECTS_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/types/span.h"
#include "base/check.h"
#include "reclaim/movable.h"
#include "slab/arena.h"
#include "slab/cache.h"

namespace mxa::bench {

// Says no to every pass.
class StillObjects final : public reclaim::Movable {
 public:
  bool CanFree(absl::Span<void*>) override { return false; }
  void Reclaim(absl::Span<void*>, reclaim::MoveTarget&) override {}
};

// A cache of objects of `size` bytes; `movable` null makes it an immobile one.
inline std::unique_ptr<slab::Cache> MakeCache(size_t size, reclaim::Movable* movable, slab::Arena* arena = nullptr) {
  slab::CacheOptions options;
  options.name = "bench";
  options.object_size = size;
  options.alignment = size % 64 == 0 ? 64 : 8;
  options.constructor = [](void*) {};  // zeroed memory is the constructed state
  options.movable = movable;
  options.arena = arena;
  auto cache = slab::Cache::Create(options);
  MXA_CHECK(cache.ok(), "no cache");
  return *std::move(cache);
}

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_STILL_OBJECTS_H_
