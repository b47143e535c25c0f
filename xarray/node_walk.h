// SPDX-License-Identifier: Apache-2.0
//
// The nodes of an array one by one, each before those below it, as readers find them.
//
// Every node that is in the tree during the whole walk is met exactly once, wherever it has been moved to meanwhile;
// others at most once. What a node is met with was in it while it was looked at.
// Threads: one thread's; runs at once with writers and with the mover.
// Why not a Cursor: it meets entries, and an inner node leaves no trace in what it says.
#ifndef MXA_XARRAY_NODE_WALK_H_
#define MXA_XARRAY_NODE_WALK_H_

#include <array>
#include <cstdint>

#include "xarray/anchor.h"
#include "xarray/array_core.h"
#include "xarray/entry.h"
#include "xarray/node.h"

namespace mxa::xarray {

// A node as a walk met it.
struct NodeMet {
  const Node* node;  // to tell nodes apart and to see where they lie
  unsigned height;
  uint64_t first;  // the lowest index it covers
  std::array<Entry, kSlots> slots;
};

class NodeWalk {
 public:
  explicit NodeWalk(const ArrayCore& array) : anchor_(array.anchor()) {}

  // The next node; false when there is none left. Goes down from the head each time, so that sections may end between
  // calls.
  // REQUIRES: a read section is open on this thread.
  bool Next(NodeMet& met);

 private:
  // Of the node of `height` that index_ lies in.
  bool WasMet(unsigned height) const { return (index_ & MaxIndex(height)) != 0 || height > height_; }
  Entry Below(const Node& node, unsigned height);
  bool PassOver(uint64_t last);

  const ArrayAnchor& anchor_;
  // Nodes that begin at a lower index have been met or passed over, and those that begin there and are higher.
  uint64_t index_ = 0;
  unsigned height_ = kMaxHeight;
  bool ended_ = false;
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_NODE_WALK_H_
