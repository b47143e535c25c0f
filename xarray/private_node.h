// SPDX-License-Identifier: Apache-2.0
//
// Filling nodes that nothing leads to yet.
//
// Threads: one thread's; the publication of the node orders all of it.
#ifndef MXA_XARRAY_PRIVATE_NODE_H_
#define MXA_XARRAY_PRIVATE_NODE_H_

#include "xarray/entry.h"
#include "xarray/node.h"

namespace mxa::xarray {

// Puts `entry` into a slot that is null.
inline void InitCounted(Node* node, unsigned offset, Entry entry) {
  node->InitSlot(offset, entry);
  node->SetUsedLocked(SlotBits(offset, 1));
  // Only a tree that is lifted can be full already, and no node has but this slot: nothing goes further up.
  if (!IsNode(entry) || EntryNode(entry)->AllFullLocked()) node->SetFullLocked(SlotBits(offset, 1));
}

// Ties the slots behind `offset`, which holds an entry of `slots` slots, to it. They are null.
inline void InitSiblings(Node* node, unsigned offset, unsigned slots) {
  if (slots == 1) return;
  const Entry sibling = SiblingEntry(offset, slots, node->NextTieLocked());
  for (unsigned i = 1; i < slots; ++i) InitCounted(node, offset + i, sibling);
}

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_PRIVATE_NODE_H_
