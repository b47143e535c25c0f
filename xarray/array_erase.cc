// SPDX-License-Identifier: Apache-2.0
//
// Taking entries out of the tree, and out of it the nodes that are not needed any more.
#include "base/planted_bug.h"
#include "xarray/array_core.h"
#include "xarray/detach.h"
#include "xarray/full_words.h"

namespace mxa::xarray {

void ArrayCore::EraseLocked(const Place& place) {
  if (place.entry == kNull) return;
  // The marks go first: a marked search that finds the mark set must not find the slot null and stop.
  for (Mark mark : kAllMarks) ClearMarkLocked(place, mark);
  if (place.node == nullptr) {
    anchor_.PublishHead(kNull);
    return;
  }
  const unsigned slots = place.node->SlotsTakenLocked(place.offset);
  // The slot that holds the entry goes first: that ends it at all its indices at once.
  for (unsigned i = 0; i < slots; ++i) place.node->PublishSlot(place.offset + i, kNull);
  place.node->ClearUsedLocked(SlotBits(place.offset, slots));
  FreeSlotsLocked(place.node, SlotBits(place.offset, slots));
  TellUpdated(place.node);
  DropEmptyLocked(place.node);
  ShrinkLocked();
}

// Detaches `node` and those above it while they are empty, each after the link to it is gone.
void ArrayCore::DropEmptyLocked(Node* node) {
  while (node->UsedLocked() == 0) {
    Node* parent = node->ParentLocked();
    if (parent == nullptr) {
      anchor_.PublishHead(kNull);
    } else {
      if (!PlantedBugIs(PlantedBug::kEraseLeavesParentSlot)) parent->PublishSlot(node->offset(), kNull);
      parent->ClearUsedLocked(SlotBits(node->offset(), 1));
      TellUpdated(parent);
    }
    RetireDetached(node);
    if (parent == nullptr) return;
    node = parent;
  }
}

// Takes top nodes away while all is in their slot 0. Their marks need no care: the array's own say the same.
void ArrayCore::ShrinkLocked() {
  for (;;) {
    const Entry head = anchor_.HeadLocked();
    if (!IsNode(head)) return;
    Node* top = EntryNode(head);
    if (top->UsedLocked() != 1) return;
    const Entry first = top->SlotLocked(0);
    if (HeightBits(head) > 1 && !IsNode(first)) return;  // an entry of all the indices of the slot
    anchor_.PublishHead(first);
    if (IsNode(first)) EntryNode(first)->SetParent(nullptr);
    if (PlantedBugIs(PlantedBug::kShrinkWithoutRetry)) {
      top->MarkRetired();
      nodes_->Retire(top);
      continue;
    }
    RetireDetached(top);
  }
}

// Children before their parent, which is therefore alive when they leave: a reader on its way up may rely on that.
void ArrayCore::DropAllLocked(Entry entry) {
  if (!IsNode(entry)) return;
  Node* node = EntryNode(entry);
  if (HeightBits(entry) > 1) {
    for (unsigned offset = 0; offset < kSlots; ++offset) DropAllLocked(node->SlotLocked(offset));
  }
  RetireDetached(node);
}

void ArrayCore::RetireDetached(Node* node) {
  if (ABSL_PREDICT_FALSE(user_ != nullptr)) TellUserItLeaves(node);
  Detach(node);
  nodes_->Retire(node);
}

}  // namespace mxa::xarray
