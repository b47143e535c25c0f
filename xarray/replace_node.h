// SPDX-License-Identifier: Apache-2.0
//
// The steps by which a copy takes a node's place, for the mover and for stores that change many slots at once: the
// children look up to it, it is published, and the caller ends the old node's life (detach.h). A copy that says what the
// node says may have its children before; a changed one only after it has been published.
//
// Threads: the array lock is held.
#ifndef MXA_XARRAY_REPLACE_NODE_H_
#define MXA_XARRAY_REPLACE_NODE_H_

#include "xarray/anchor.h"
#include "xarray/entry.h"
#include "xarray/node.h"

namespace mxa::xarray {

// The nodes that `copy` points to have it as their parent from now on. It must be complete: a reader on its way up comes
// to it before it is published.
inline void AdoptChildrenLocked(Node* copy) {
  if (copy->height() == 1) return;
  for (unsigned offset = 0; offset < kSlots; ++offset) {
    const Entry entry = copy->SlotLocked(offset);
    if (IsNode(entry)) EntryNode(entry)->SetParent(copy);
  }
}

// Publishes `copy` where `node` was.
inline void PublishInPlaceOfLocked(ArrayAnchor& anchor, const Node& node, Node* copy)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor) {
  const Entry published = NodeEntry(copy, copy->height());
  if (Node* parent = node.ParentLocked()) {
    parent->PublishSlot(node.offset(), published);
  } else {
    anchor.PublishHead(published);
  }
}

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_REPLACE_NODE_H_
