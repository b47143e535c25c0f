// SPDX-License-Identifier: Apache-2.0
//
// Putting an entry into the tree: missing nodes are counted and at hand before, built in private, and published by one
// store.
#include <algorithm>

#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "xarray/array_core.h"
#include "xarray/full_words.h"
#include "xarray/node_reserve.h"
#include "xarray/private_node.h"

namespace mxa::xarray {
Place ArrayCore::FindLocked(uint64_t index) const {
  const Entry head = anchor_.HeadLocked();
  const unsigned height = IsNode(head) ? HeightBits(head) : 0;
  const unsigned wanted = HeightFor(index);
  if (wanted > height) {
    // The path of the index. If the tree holds anything: also what lifts it to that height, with the top node in
    // common.
    const unsigned missing = head == kNull ? wanted : (wanted - height) + (wanted - 1);
    return {nullptr, missing, 0, kNull};
  }
  if (height == 0) return {nullptr, 0, 0, head};
  Entry entry = head;
  for (;;) {
    Node* node = EntryNode(entry);
    const unsigned here = HeightBits(entry);
    const unsigned offset = OffsetAt(index, here);
    entry = node->SlotLocked(offset);
    if (IsNode(entry)) continue;
    if (ABSL_PREDICT_FALSE(IsSibling(entry))) return {node, 0, SiblingOf(entry), node->SlotLocked(SiblingOf(entry))};
    return {node, entry == kNull ? here - 1 : 0, offset, entry};
  }
}

void ArrayCore::PutLocked(uint64_t index, const Place& place, Entry entry, NodeReserve& reserve) {
  if (place.node == nullptr) {
    if (place.nodes_missing == 0) {
      anchor_.PublishHead(entry);
    } else {
      GrowLocked(index, 0, entry, reserve);
    }
    return;
  }
  if (place.entry == kNull) place.node->SetUsedLocked(SlotBits(place.offset, 1));
  if (place.nodes_missing == 0) {
    if (place.entry == kNull) FillSlotsLocked(place.node, SlotBits(place.offset, 1));
    place.node->PublishSlot(place.offset, entry);
    TellUpdated(place.node);
  } else {
    const Path path = BuildPath(place.node, place.nodes_missing, 1, index, entry, reserve);
    MXA_SCHEDULE_POINT("store.before_publish");
    place.node->PublishSlot(place.offset, NodeEntry(path.top, place.nodes_missing));
    TellPath(path.bottom, place.node->ParentLocked());
  }
}

// The head alone, or a tree that is too low, gives way to one that covers the entry's indices, among which is none of
// what is there. One store publishes the new height and the new entry together. Only then does the old top learn of its
// parent: a cursor that went up by it earlier would show the new entry before a load could find it. Until then a cursor
// that finds no parent looks at the head again, which is right as well.
void ArrayCore::GrowLocked(uint64_t index, unsigned order, Entry entry, NodeReserve& reserve) {
  const Entry old = anchor_.HeadLocked();
  CheckNotEnded(old);
  const OrderShape shape = ShapeOf(order);
  const unsigned wanted = std::max(HeightFor(index | OrderMask(order)), shape.height);
  index &= ~OrderMask(order);
  if (old == kNull) {
    const Path path = BuildPath(nullptr, wanted, shape.height, index, entry, reserve);
    InitSiblings(path.bottom, OffsetAt(index, shape.height), shape.slots);
    anchor_.PublishHead(NodeEntry(path.top, wanted));
    TellPath(path.bottom, nullptr);
    return;
  }
  const unsigned old_height = IsNode(old) ? HeightBits(old) : 0;
  const Path lift = BuildPath(nullptr, wanted, old_height + 1, 0, old, reserve);
  if (PlantedBugIs(PlantedBug::kPublishBeforeInit)) {
    lift.bottom->InitSlot(0, kNull);
    anchor_.PublishHead(NodeEntry(lift.top, wanted));
    MXA_SCHEDULE_POINT("planted.published");
    lift.bottom->InitSlot(0, old);
  }
  for (Mark mark : kAllMarks) {
    if (!anchor_.IsMarkedLocked(mark) || PlantedBugIs(PlantedBug::kGrowForgetsMarks)) continue;
    for (Node* node = lift.bottom; node != nullptr; node = node->ParentLocked()) node->InitMarks(mark, 1);
  }
  Node* last = lift.top;
  if (wanted == shape.height) {
    InitCounted(lift.top, OffsetAt(index, wanted), entry);
  } else {
    const Path path = BuildPath(lift.top, wanted - 1, shape.height, index, entry, reserve);
    InitCounted(lift.top, OffsetAt(index, wanted), NodeEntry(path.top, wanted - 1));
    last = path.bottom;
  }
  InitSiblings(last, OffsetAt(index, shape.height), shape.slots);
  MXA_SCHEDULE_POINT("store.before_grow");
  anchor_.PublishHead(NodeEntry(lift.top, wanted));
  MXA_SCHEDULE_POINT("store.grown");
  if (IsNode(old)) EntryNode(old)->SetParent(lift.bottom);
  TellPath(lift.bottom, nullptr);
  if (last != lift.top) TellPath(last, lift.top);
}

// A path of nodes from height `top` down to height `bottom` along `index`, with `last` in the lowest one's slot.
// Nothing leads to it yet, and its top does not occur in `parent`.
Path ArrayCore::BuildPath(Node* parent, unsigned top, unsigned bottom, uint64_t index, Entry last,
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
