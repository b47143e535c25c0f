// SPDX-License-Identifier: Apache-2.0
//
// The nodes a store, of one entry or many, has set aside before it changes anything, so that it cannot fail half way.
//
// Threads: one thread's.
// Why not one node a round, as Linux does: a round that fails would leave empty nodes in the tree.
#ifndef MXA_XARRAY_NODE_RESERVE_H_
#define MXA_XARRAY_NODE_RESERVE_H_

#include <cstddef>

#include "base/check.h"
#include "base/planted_bug.h"
#include "xarray/node_cache.h"

namespace mxa::xarray {

// The nodes are linked by their parent pointers, which nobody else looks at while they have no owner.
class NodeReserve {
 public:
  explicit NodeReserve(NodeCache& nodes) : nodes_(nodes) {}
  ~NodeReserve() { Clear(); }
  NodeReserve(const NodeReserve&) = delete;
  NodeReserve& operator=(const NodeReserve&) = delete;

  size_t size() const { return size_; }

  // Has at least `wanted` nodes afterwards, or says false.
  // Context: as NodeCache::Allocate.
  bool Fill(size_t wanted, slab::AllocFlags flags) {
    while (size_ < wanted) {
      Node* node = nodes_.Allocate(flags);
      if (node == nullptr) return false;
      node->SetParent(first_);
      first_ = node;
      ++size_;
    }
    return true;
  }

  Node* Take() {
    MXA_CHECK(size_ > 0, "a store needed more nodes than it counted");
    --size_;
    Node* node = first_;
    first_ = node->ParentLocked();
    node->SetParent(nullptr);
    return node;
  }

  // Gives back what was not taken.
  void Clear() {
    if (size_ > 0 && PlantedBugIs(PlantedBug::kReserveLeaks)) Take();
    while (size_ > 0) nodes_.Free(Take());
  }

 private:
  NodeCache& nodes_;
  size_t size_ = 0;
  Node* first_ = nullptr;
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_NODE_RESERVE_H_
