// SPDX-License-Identifier: Apache-2.0
//
// Moves one chosen node as a pass would, without a pass.
#ifndef MXA_TESTS_SUPPORT_MOVE_NODE_H_
#define MXA_TESTS_SUPPORT_MOVE_NODE_H_

#include "base/check.h"
#include "reclaim/movable.h"
#include "xarray/node.h"
#include "xarray/node_cache.h"

namespace mxa::tests {

struct NodeMove {
  reclaim::MoveResult result;
  xarray::Node* destination;  // null unless moved
};

// Runs phase 2 on `node` alone. Leaves the old place, if it moved, to the caller to retire.
[[nodiscard]] inline NodeMove MoveNodeOnly(xarray::NodeCache& nodes, xarray::Node* node) {
  void* destination = nodes.slabs().Allocate();
  MXA_CHECK(destination != nullptr, "no destination");
  void* objects[] = {node};
  void* const destinations[] = {destination};
  reclaim::MoveTarget target(destinations);
  nodes.mover().Reclaim(absl::MakeSpan(objects), target);
  for (size_t i = 0; i < reclaim::kMoveResults; ++i) {
    if (target.results()[i] == 0) continue;
    MXA_CHECK(target.results()[i] == 1, "one object, one answer");
    const auto result = static_cast<reclaim::MoveResult>(i);
    if (result == reclaim::MoveResult::kMoved) return {result, static_cast<xarray::Node*>(destination)};
    nodes.slabs().Free(destination);
    return {result, nullptr};
  }
  MXA_CHECK(false, "an object was not settled");
}

// As MoveNodeOnly, and retires the old place, so that it comes back after its grace period.
[[nodiscard]] inline NodeMove MoveNode(xarray::NodeCache& nodes, xarray::Node* node) {
  const NodeMove move = MoveNodeOnly(nodes, node);
  if (move.result == reclaim::MoveResult::kMoved) nodes.Retire(node);
  return move;
}

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_MOVE_NODE_H_
