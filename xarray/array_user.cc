// SPDX-License-Identifier: Apache-2.0
//
// Telling the user of the nodes what became of them.
#include "xarray/array_core.h"
#include "xarray/node_user.h"

namespace mxa::xarray {

void ArrayCore::TellUser(Node* node) { user_->OnUpdate(NodeView(*node)); }

void ArrayCore::TellUserOfPath(Node* bottom, const Node* end) {
  for (Node* node = bottom; node != end; node = node->ParentLocked()) TellUser(node);
}

void ArrayCore::TellUserOfTree(Node* top) {
  TellUser(top);
  if (top->height() == 1) return;
  for (unsigned offset = 0; offset < kSlots; ++offset) {
    const Entry entry = top->SlotLocked(offset);
    if (IsNode(entry)) TellUserOfTree(EntryNode(entry));
  }
}

void ArrayCore::TellUserItLeaves(Node* node) {
  user_->OnLeave(NodeView(*node));
  nodes_->use().ZeroArea(*node);
}

}  // namespace mxa::xarray
