// SPDX-License-Identifier: Apache-2.0
//
// Moves one chosen object of any movable cache as a pass would, without a pass.
#ifndef MXA_TESTS_SUPPORT_MOVE_OBJECT_H_
#define MXA_TESTS_SUPPORT_MOVE_OBJECT_H_

#include "base/check.h"
#include "reclaim/movable.h"
#include "slab/cache.h"

namespace mxa::tests {

struct ObjectMove {
  reclaim::MoveResult result;
  void* destination;  // null unless moved
};

// Runs phase 2 on `object` alone. Leaves the old place, if it moved, to the caller to free after a grace period.
[[nodiscard]] inline ObjectMove MoveObject(reclaim::Movable& mover, slab::Cache& cache, void* object) {
  void* destination = cache.Allocate();
  MXA_CHECK(destination != nullptr, "no destination");
  void* objects[] = {object};
  void* const destinations[] = {destination};
  reclaim::MoveTarget target(destinations);
  mover.Reclaim(absl::MakeSpan(objects), target);
  for (size_t i = 0; i < reclaim::kMoveResults; ++i) {
    if (target.results()[i] == 0) continue;
    MXA_CHECK(target.results()[i] == 1, "one object, one answer");
    const auto result = static_cast<reclaim::MoveResult>(i);
    if (result == reclaim::MoveResult::kMoved) return {result, destination};
    cache.Free(destination);
    return {result, nullptr};
  }
  MXA_CHECK(false, "an object was not settled");
}

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_MOVE_OBJECT_H_
