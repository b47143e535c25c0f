// SPDX-License-Identifier: Apache-2.0
//
// Putting an entry into the tree: missing nodes are counted and at hand before, built in private, and published by one
// store.
#include "xarray/array_core.h"
#include "xarray/full_words.h"
#include "xarray/node_reserve.h"

namespace mxa::xarray {
namespace {

void InitCounted(Node* node, unsigned offset, Entry entry) {
  node->InitSlot(offset, entry);
  node->AddCountLocked(1);
  // Only a tree that is lifted can be full already, and no node has but this slot: nothing goes further up.
  if (!IsNode(entry) || EntryNode(entry)->AllFullLocked()) node->SetFullLocked(offset);
}

}  // namespace

ArrayCore::Place ArrayCore::FindLocked(uint64_t index) const {
  const Entry head = anchor_.HeadLocked();
  const unsigned height = IsNode(head) ? HeightBits(head) : 0;
  const unsigned wanted = HeightFor(index);
  if (wanted > height) {
    // The path of the index. If the tree holds anything: also what lifts it to that height, with the top node in
    // common.
    const unsigned missing = head == kNull ? wanted : (wanted - height) + (wanted - 1);
    return {nullptr, missing, kNull};
  }
  if (height == 0) return {nullptr, 0, head};
  Entry entry = head;
  for (;;) {
    Node* node = EntryNode(entry);
    const unsigned here = HeightBits(entry);
    entry = node->SlotLocked(OffsetAt(index, here));
    if (here == 1) return {node, 0, entry};
    if (entry == kNull) return {node, here - 1, kNull};
  }
}

void ArrayCore::PutLocked(uint64_t index, const Place& place, Entry entry, NodeReserve& reserve) {
  if (place.node == nullptr) {
    if (place.nodes_missing == 0) {
      anchor_.PublishHead(entry);
    } else {
      GrowLocked(index, entry, reserve);
    }
    return;
  }
  const unsigned height = place.node->height();
  const unsigned offset = OffsetAt(index, height);
  if (place.entry == kNull) place.node->AddCountLocked(1);
  if (height == 1) {
    if (place.entry == kNull) FillSlotLocked(place.node, offset);
    place.node->PublishSlot(offset, entry);
  } else {
    const Path path = BuildPath(place.node, height - 1, 1, index, entry, reserve);
    place.node->PublishSlot(offset, NodeEntry(path.top, height - 1));
  }
}

// The head alone, or a tree that is too low, gives way to one that covers `index`. One store publishes the new height
// and the new entry together. Only then does the old top learn of its parent: a cursor that went up by it earlier would
// show the new entry before a load could find it. Until then a cursor that finds no parent looks at the head again,
// which is right as well.
void ArrayCore::GrowLocked(uint64_t index, Entry entry, NodeReserve& reserve) {
  const Entry old = anchor_.HeadLocked();
  CheckNotEnded(old);
  const unsigned wanted = HeightFor(index);
  if (old == kNull) {
    anchor_.PublishHead(NodeEntry(BuildPath(nullptr, wanted, 1, index, entry, reserve).top, wanted));
    return;
  }
  const unsigned old_height = IsNode(old) ? HeightBits(old) : 0;
  const Path lift = BuildPath(nullptr, wanted, old_height + 1, 0, old, reserve);
  for (Mark mark : kAllMarks) {
    if (!anchor_.IsMarkedLocked(mark)) continue;
    for (Node* node = lift.bottom; node != nullptr; node = node->ParentLocked()) node->InitMarks(mark, 1);
  }
  if (wanted == 1) {
    InitCounted(lift.top, OffsetAt(index, 1), entry);
  } else {
    const Path path = BuildPath(lift.top, wanted - 1, 1, index, entry, reserve);
    InitCounted(lift.top, OffsetAt(index, wanted), NodeEntry(path.top, wanted - 1));
  }
  anchor_.PublishHead(NodeEntry(lift.top, wanted));
  if (IsNode(old)) EntryNode(old)->SetParent(lift.bottom);
}

// A path of nodes from height `top` down to height `bottom` along `index`, with `last` in the lowest one's slot.
// Nothing leads to it yet, and its top does not occur in `parent`.
ArrayCore::Path ArrayCore::BuildPath(Node* parent, unsigned top, unsigned bottom, uint64_t index, Entry last,
                                     NodeReserve& reserve) {
  Path path = {nullptr, nullptr};
  for (unsigned height = top; height >= bottom; --height) {
    Node* node = reserve.Take();
    const unsigned offset = height < kMaxHeight ? OffsetAt(index, height + 1) : 0;
    if (path.top == nullptr) {
      path.top = node;
      node->Join(&anchor_, parent, height, offset);
    } else {
      node->Join(&anchor_, path.bottom, height, offset);
      InitCounted(path.bottom, offset, NodeEntry(node, height));
    }
    path.bottom = node;
  }
  InitCounted(path.bottom, OffsetAt(index, bottom), last);
  return path;
}

}  // namespace mxa::xarray
