// SPDX-License-Identifier: Apache-2.0
//
// Storing entries of several indices.
//
// Where all of an entry's slots are null, its siblings are written first and it comes last: until then they lead to null.
// Where they are not, several slots would change one after the other; so a copy of the node, changed in private, takes its
// place, as in a move, and what hung from those slots leaves the tree with the old one.
#include <algorithm>
#include <array>
#include <bit>

#include "absl/status/status.h"
#include "base/check.h"
#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "xarray/array_core.h"
#include "xarray/full_words.h"
#include "xarray/node_reserve.h"
#include "xarray/private_node.h"
#include "xarray/replace_node.h"

namespace mxa::xarray {
namespace {

bool AllNullLocked(const Node& node, unsigned offset, unsigned slots) {
  for (unsigned i = 0; i < slots; ++i) {
    if (node.SlotLocked(offset + i) != kNull) return false;
  }
  return true;
}

// Tells of each entry in or below a slot whose lowest index is `first`.
void TellLocked(Entry entry, uint64_t first, ArrayCore::Told told) {
  if (!IsNode(entry)) {
    if (entry != kNull && !IsInternal(entry)) told(first, entry);
    return;
  }
  for (unsigned offset = 0; offset < kSlots; ++offset) {
    TellLocked(EntryNode(entry)->SlotLocked(offset),
               first + (uint64_t{offset} << ((HeightBits(entry) - 1) * kSlotBits)), told);
  }
}

// The order of the largest entry that begins at `first` and does not go beyond `last`.
unsigned LargestOrder(uint64_t first, uint64_t last) {
  unsigned order =
      first == 0 ? kMaxOrder : std::min<unsigned>(kMaxOrder, static_cast<unsigned>(std::countr_zero(first)));
  while (OrderMask(order) > last - first) --order;
  return order;
}

struct Piece {
  uint64_t first;
  unsigned order;
};

// The fewest entries that cover a range, in ascending order: at most two of each order.
struct Pieces {
  Pieces(uint64_t first, uint64_t last) {
    for (;;) {
      const unsigned order = LargestOrder(first, last);
      pieces[count++] = {first, order};
      const uint64_t end = first | OrderMask(order);
      if (end == last) return;
      first = end + 1;
    }
  }
  std::array<Piece, size_t{2} * (kMaxOrder + 1)> pieces;
  size_t count = 0;
};

}  // namespace

OrderPlace ArrayCore::FindOrderLocked(uint64_t index, unsigned order) const {
  using Kind = OrderPlace::Kind;
  const OrderShape shape = ShapeOf(order);
  const uint64_t first = index & ~OrderMask(order);
  const Entry head = anchor_.HeadLocked();
  const unsigned height = IsNode(head) ? HeightBits(head) : 0;
  if (order == 0 && index == 0 && height == 0) return {Kind::kHead, nullptr, 0, 0};
  const unsigned wanted = std::max(HeightFor(index | OrderMask(order)), shape.height);
  if (wanted > height) {
    const unsigned path = wanted - shape.height + 1;
    // Beginning at 0, it takes the place of all there is. Else that is lifted, and has the top node in common.
    return {Kind::kGrow, nullptr, head == kNull || first == 0 ? path : path - 1 + (wanted - height), 0};
  }
  Node* node = EntryNode(head);
  for (unsigned here = height;; --here) {
    const unsigned offset = OffsetAt(first, here);
    const Entry entry = node->SlotLocked(offset);
    const bool is_entry = entry != kNull && !IsNode(entry);
    if (is_entry) {
      const unsigned at = IsSibling(entry) ? SiblingOf(entry) : offset;
      const unsigned present = OrderOf({here, node->SlotsTakenLocked(at)});
      if (present > order) return {Kind::kLarger, node, here - shape.height, at};
      if (present == order) return {Kind::kEntry, node, 0, at};
    }
    if (here == shape.height) {
      if (AllNullLocked(*node, offset, shape.slots)) return {Kind::kFree, node, 0, offset};
      if (shape.slots == 1) return {Kind::kNode, node, 0, offset};
      return {Kind::kSeveral, node, 1, offset};
    }
    if (entry == kNull) return {Kind::kPath, node, here - shape.height, offset};
    node = EntryNode(entry);
  }
}

void ArrayCore::PutOrderLocked(uint64_t index, unsigned order, const OrderPlace& place, Entry entry,
                               NodeReserve& reserve, Told replaced) {
  const OrderShape shape = ShapeOf(order);
  const uint64_t first = index & ~OrderMask(order);
  Node* const node = place.node;
  const Entry old = node != nullptr ? node->SlotLocked(place.offset) : anchor_.HeadLocked();
  switch (place.kind) {
    case OrderPlace::Kind::kHead:
      anchor_.PublishHead(entry);
      TellLocked(old, 0, replaced);
      return;
    case OrderPlace::Kind::kGrow:
      if (old == kNull || first != 0) {
        GrowLocked(first, order, entry, reserve);
      } else {
        ReplaceAllLocked(order, entry, reserve, replaced);
      }
      return;
    case OrderPlace::Kind::kPath: {
      const unsigned top = shape.height + place.nodes_missing - 1;
      const Path path = BuildPath(node, top, shape.height, first, entry, reserve);
      InitSiblings(path.bottom, OffsetAt(first, shape.height), shape.slots);
      node->SetUsedLocked(SlotBits(place.offset, 1));
      node->PublishSlot(place.offset, NodeEntry(path.top, top));
      TellPath(path.bottom, node->ParentLocked());
      return;
    }
    case OrderPlace::Kind::kFree: {
      node->SetUsedLocked(SlotBits(place.offset, shape.slots));
      const Entry sibling = SiblingEntry(place.offset, shape.slots, node->NextTieLocked());
      if (PlantedBugIs(PlantedBug::kOrderEntryFirst)) {
        node->PublishSlot(place.offset, entry);
        MXA_SCHEDULE_POINT("planted.published");
      }
      for (unsigned i = 1; i < shape.slots; ++i) node->PublishSlot(place.offset + i, sibling);
      MXA_SCHEDULE_POINT("store_order.siblings_stored");
      node->PublishSlot(place.offset, entry);
      FillSlotsLocked(node, SlotBits(place.offset, shape.slots));
      TellUpdated(node);
      return;
    }
    case OrderPlace::Kind::kLarger:
      SplitTowardLocked(SplittingOf(first, order, *node, place.offset), reserve);
      PutOrderLocked(first, order, FindOrderLocked(first, order), entry, reserve, replaced);
      return;
    case OrderPlace::Kind::kEntry:
      node->PublishSlot(place.offset, entry);
      TellUpdated(node);
      TellLocked(old, first, replaced);
      return;
    case OrderPlace::Kind::kNode:
      // Its marks are what they were: those of anything below.
      node->PublishSlot(place.offset, entry);
      MXA_SCHEDULE_POINT("store_order.published");
      FillSlotsLocked(node, SlotBits(place.offset, 1));
      TellUpdated(node);
      TellLocked(old, first, replaced);
      DropAllLocked(old);
      return;
    case OrderPlace::Kind::kSeveral:
      ReplaceSeveralLocked(first, order, place, entry, reserve, replaced);
      return;
  }
}

// A tree, or an entry in the head, gives way to one entry that takes all its indices and more.
void ArrayCore::ReplaceAllLocked(unsigned order, Entry entry, NodeReserve& reserve, Told replaced) {
  const OrderShape shape = ShapeOf(order);
  const Entry old = anchor_.HeadLocked();
  const unsigned wanted = std::max(HeightFor(OrderMask(order)), shape.height);
  const Path path = BuildPath(nullptr, wanted, shape.height, 0, entry, reserve);
  InitSiblings(path.bottom, 0, shape.slots);
  for (Mark mark : kAllMarks) {
    if (!anchor_.IsMarkedLocked(mark)) continue;
    path.bottom->InitMarks(mark, SlotBits(0, shape.slots));
    for (Node* node = path.bottom->ParentLocked(); node != nullptr; node = node->ParentLocked())
      node->InitMarks(mark, 1);
  }
  anchor_.PublishHead(NodeEntry(path.top, wanted));
  MXA_SCHEDULE_POINT("store_order.published");
  TellPath(path.bottom, nullptr);
  TellLocked(old, 0, replaced);
  DropAllLocked(old);
}

void ArrayCore::ReplaceSeveralLocked(uint64_t first, unsigned order, const OrderPlace& place, Entry entry,
                                     NodeReserve& reserve, Told replaced) {
  const OrderShape shape = ShapeOf(order);
  Node* const node = place.node;
  const uint64_t bits = SlotBits(place.offset, shape.slots);
  Node* copy = reserve.Take();
  copy->JoinAsCopyOf(*node, &anchor_);
  const Entry sibling = SiblingEntry(place.offset, shape.slots, copy->NextTieLocked());
  const unsigned stored = shape.slots - (PlantedBugIs(PlantedBug::kRangeLeavesOldSibling) ? 1 : 0);
  for (unsigned i = 0; i < stored; ++i) {
    copy->InitSlot(place.offset + i, i == 0 ? entry : sibling);
  }
  copy->SetUsedLocked(bits);
  for (Mark mark : kAllMarks) {
    const uint64_t word = copy->MarksLocked(mark);
    if ((word & bits) != 0) copy->InitMarks(mark, word | bits);
  }
  MXA_SCHEDULE_POINT("store_order.copied");
  PublishInPlaceOfLocked(anchor_, *node, copy);
  // Only now, as in GrowLocked: a cursor that went up from a child earlier would show the new entry before a load could
  // find it.
  AdoptChildrenLocked(copy);
  MXA_SCHEDULE_POINT("store_order.published");
  FillSlotsLocked(copy, bits);
  TellUpdated(copy);
  for (unsigned i = 0; i < shape.slots; ++i) {
    const Entry old = node->SlotLocked(place.offset + i);
    TellLocked(old, first + (uint64_t{i} << ((shape.height - 1) * kSlotBits)), replaced);
    DropAllLocked(old);
  }
  RetireDetached(node);
}

absl::Status ArrayCore::StoreOrder(uint64_t index, unsigned order, Entry entry, Told replaced) {
  return UpdateOrder({index, order, entry, /*only_free=*/false}, replaced);
}

absl::Status ArrayCore::InsertOrder(uint64_t index, unsigned order, Entry entry) {
  return UpdateOrder({index, order, entry, /*only_free=*/true}, [](uint64_t, Entry) {});
}

absl::Status ArrayCore::UpdateOrder(const OrderUpdate& update, Told replaced) {
  NodeReserve reserve(*nodes_);  // before the lock: gives back what is left over after it
  for (;;) {
    size_t missing = 0;
    {
      ArrayLock lock(anchor_);
      const Tried tried = TryOrderLocked(update, replaced, reserve, missing);
      if (tried == Tried::kDone) return absl::OkStatus();
      if (tried == Tried::kInUse) return absl::AlreadyExistsError("an index of the entry is in use");
    }
    // As in Update.
    reserve.Clear();
    MXA_SCHEDULE_POINT("store_order.unlocked_fill");
    if (!reserve.Fill(missing, slab::AllocFlags::kMayReclaim)) {
      return absl::ResourceExhaustedError("no memory for the nodes of an array");
    }
  }
}

// Changes nothing unless it is done; then `missing` says how many nodes it takes.
Tried ArrayCore::TryOrderLocked(const OrderUpdate& update, Told replaced, NodeReserve& reserve, size_t& missing) {
  MXA_CHECK(update.order <= kMaxOrder, "an entry of a higher order than 63");
  MXA_CHECK(update.entry != kNull && IsStorable(update.entry), "not an entry that several indices may have");
  using Kind = OrderPlace::Kind;
  const OrderPlace place = FindOrderLocked(update.index, update.order);
  // Beside all there is, or around it?
  const bool beside = anchor_.HeadLocked() == kNull || (update.index & ~OrderMask(update.order)) != 0;
  const bool is_free = place.kind == Kind::kFree || place.kind == Kind::kPath ||
                       ((place.kind == Kind::kHead || place.kind == Kind::kGrow) && beside);
  if (update.only_free && !is_free) return Tried::kInUse;
  missing = place.nodes_missing;
  if (missing != 0 && !reserve.Fill(missing, slab::AllocFlags::kNone)) return Tried::kNoMemory;
  PutOrderLocked(update.index, update.order, place, update.entry, reserve, replaced);
  return Tried::kDone;
}

// Nodes are set aside for the worst case, which is not far from the usual one: what lifts the tree, a path down each side
// of the range, and a copy of a node for each piece.
absl::Status ArrayCore::StoreRange(uint64_t first, uint64_t last, Entry entry, Told replaced) {
  MXA_CHECK(first <= last, "a range that ends before it begins");
  MXA_CHECK(entry != kNull && IsStorable(entry), "not an entry that several indices may have");
  const Pieces all(first, last);
  NodeReserve reserve(*nodes_);  // before the lock: gives back what is left over after it
  for (;;) {
    size_t wanted = 0;
    {
      ArrayLock lock(anchor_);
      const Entry head = anchor_.HeadLocked();
      const unsigned height = std::max(HeightFor(last) + 1, IsNode(head) ? HeightBits(head) : 0);
      wanted = all.count + size_t{3} * height + CountCutLocked(first) + CountCutLocked(last + 1);
      if (reserve.Fill(wanted, slab::AllocFlags::kNone)) {
        CutLocked(first, reserve);
        CutLocked(last + 1, reserve);
        for (size_t i = 0; i < all.count; ++i) {
          const Piece& piece = all.pieces[i];
          PutOrderLocked(piece.first, piece.order, FindOrderLocked(piece.first, piece.order), entry, reserve, replaced);
        }
        return absl::OkStatus();
      }
    }
    // As in Update.
    MXA_SCHEDULE_POINT("store_range.unlocked_fill");
    if (!reserve.Fill(wanted, slab::AllocFlags::kMayReclaim)) {
      return absl::ResourceExhaustedError("no memory for the nodes of an array");
    }
  }
}

std::optional<unsigned> ArrayCore::GetOrder(uint64_t index) const {
  reclaim::ReadSection section;
  for (;;) {
    const Entry head = anchor_.head();
    if (!IsNode(head)) return index == 0 && head != kNull ? std::optional<unsigned>(0) : std::nullopt;
    if (index > MaxIndex(HeightBits(head))) return std::nullopt;
    const Node* node = nullptr;
    unsigned offset = 0;
    unsigned height = 0;
    Entry entry = head;
    while (IsNode(entry)) {
      node = EntryNode(entry);
      height = HeightBits(entry);
      offset = OffsetAt(index, height);
      entry = node->slot(offset);
    }
    if (entry == kNull) return std::nullopt;
    if (entry == kRetry) continue;
    if (Entry first = entry; IsSibling(entry)) {
      if (!node->ResolveSibling(offset, first) || first == kRetry) continue;
      if (first == kNull) return std::nullopt;
      return OrderOf({height, SlotsOfSibling(entry)});
    }
    // An entry in its own slot: the next slot says whether it takes more. When that belongs to this entry it was stored
    // before the entry, and stays until after it is gone.
    MXA_SCHEDULE_POINT("get_order.entry_seen");
    const Entry next = offset == kSlots - 1 ? kNull : node->slot(offset + 1);
    MXA_SCHEDULE_POINT("get_order.next_seen");
    if (node->slot(offset) != entry) continue;
    // A sibling of another entry's is left of the one that this is being split from: then it is still of that order.
    return OrderOf({height, IsSibling(next) ? SlotsOfSibling(next) : 1});
  }
}

}  // namespace mxa::xarray
