// SPDX-License-Identifier: Apache-2.0
//
// The nodes one store has set aside before it changes anything, so that it cannot fail half way.
//
// Threads: one thread's.
// Why not one node a round, as Linux does: a round that fails would leave empty nodes in the tree.
#ifndef MXA_XARRAY_NODE_RESERVE_H_
#define MXA_XARRAY_NODE_RESERVE_H_

#include "base/check.h"
#include "xarray/node_cache.h"

namespace mxa::xarray {

class NodeReserve {
 public:
  // A tree that grows from an entry in the head to its full height needs the new top and a path to either end.
  static constexpr unsigned kMost = 1 + 2 * (kMaxHeight - 1);

  explicit NodeReserve(NodeCache& nodes) : nodes_(nodes) {}
  ~NodeReserve() { Clear(); }
  NodeReserve(const NodeReserve&) = delete;
  NodeReserve& operator=(const NodeReserve&) = delete;

  // Has at least `wanted` nodes afterwards, or says false.
  // Context: as NodeCache::Allocate.
  bool Fill(unsigned wanted, slab::AllocFlags flags) {
    MXA_CHECK(wanted <= kMost, "no store needs so many nodes");
    while (size_ < wanted) {
      Node* node = nodes_.Allocate(flags);
      if (node == nullptr) return false;
      reserved_[size_++] = node;
    }
    return true;
  }

  Node* Take() {
    MXA_CHECK(size_ > 0, "a store needed more nodes than it counted");
    return reserved_[--size_];
  }

  // Gives back what was not taken.
  void Clear() {
    while (size_ > 0) nodes_.Free(reserved_[--size_]);
  }

 private:
  NodeCache& nodes_;
  unsigned size_ = 0;
  Node* reserved_[kMost];
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_NODE_RESERVE_H_
