// SPDX-License-Identifier: Apache-2.0
//
// Where the objects of a pass that puts things in order go: side by side, in the order their owner gives.
//
// All places are set aside before the first move, so that the pass has the memory for it or does not begin. Objects are
// found in the order of their slabs, so that each new slab fills up as the old ones empty: at the worst the pass holds
// everything twice.
//
// Threads: the pass's own.
#ifndef MXA_SLAB_ORDER_PLAN_H_
#define MXA_SLAB_ORDER_PLAN_H_

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "reclaim/movable.h"
#include "slab/cache_core.h"
#include "slab/node_moves.h"

namespace mxa::slab {

class OrderPlan {
 public:
  explicit OrderPlan(CacheCore& cache) : cache_(cache) {}
  OrderPlan(const OrderPlan&) = delete;
  OrderPlan& operator=(const OrderPlan&) = delete;

  // Asks the owner for the order of what lies in the slabs of `moves`, which are planned, and sets places aside on the
  // same nodes.
  // Errors: kFailedPrecondition when the owner gives no order, kResourceExhausted when there is no memory for the places.
  absl::Status Make(absl::Span<const PlannedMove> moves, reclaim::Pacer& pacer);

  // The place of each of `objects`; null for one that was not there when the plan was made, or in no order.
  void PlacesOf(absl::Span<void* const> objects, std::vector<void*>& places);
  // Those of `objects` have moved.
  void Taken(absl::Span<void* const> objects);
  // Gives back the places that were not taken. To be called before the end.
  void ReturnLeft();

 private:
  struct Keyed {
    reclaim::OrderKey key;
    void* object;
  };

  absl::Status MakeOn(int node, std::vector<Keyed>& keyed, reclaim::Pacer& pacer);
  bool SetAside(int node, std::vector<void*>& places);

  CacheCore& cache_;
  absl::flat_hash_map<const void*, void*> places_;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_ORDER_PLAN_H_
