// SPDX-License-Identifier: Apache-2.0
//
// Splitting entries of several indices. Each index goes on reading as the same entry throughout, so slots may change one
// after the other, but no slot may be tied to one that leads further down: siblings go first. A top node that held
// nothing but the entry in its slot 0 is not needed any more once that leads further down.
#include <bit>

#include "absl/status/status.h"
#include "base/check.h"
#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "xarray/array_core.h"
#include "xarray/node_reserve.h"
#include "xarray/private_node.h"

namespace mxa::xarray {

namespace {

// As many are refused without trying: 144 GiB.
constexpr uint64_t kMostNodes = uint64_t{1} << 28;

// Of one slot of `height` all of whose indices shall be entries of `wanted`'s height.
uint64_t NodesBelow(unsigned height, OrderShape wanted) {
  uint64_t nodes = 0;
  for (unsigned h = height; h > wanted.height && nodes < kMostNodes; --h) nodes = 1 + nodes * kSlots;
  return nodes;
}

// Makes `slots` slots of a published node an entry for itself. They hold the same entry, or are tied to it.
void PublishPiece(Node* node, unsigned offset, unsigned slots, Entry entry) {
  node->PublishSlot(offset, entry);
  MXA_SCHEDULE_POINT("split.piece");
  if (slots == 1) return;
  const Entry sibling = SiblingEntry(offset, slots, node->NextTieLocked());
  for (unsigned i = 1; i < slots; ++i) node->PublishSlot(offset + i, sibling);
}

void InitPiece(Node* node, unsigned offset, unsigned slots, Entry entry) {
  InitCounted(node, offset, entry);
  InitSiblings(node, offset, slots);
}

// Halves the `slots` slots from `offset` on until those that contain `target` are as few as `down_to`; `put` is handed
// each piece.
template <typename Put>
void Halve(unsigned offset, unsigned slots, unsigned target, unsigned down_to, const Put& put) {
  while (slots > down_to) {
    slots /= 2;
    const bool in_upper = target >= offset + slots;
    put(in_upper ? offset : offset + slots, slots);
    if (in_upper) offset += slots;
  }
  put(offset, slots);
}

// The same marks for all slots of `node` as slot `offset` of `above` has.
void InitMarksAs(Node* node, const Node& above, unsigned offset) {
  for (Mark mark : kAllMarks) {
    if ((above.MarksLocked(mark) >> offset & 1) != 0) node->InitMarks(mark, ~uint64_t{0});
  }
}

// A node for slot `offset` of `parent`, not yet published, all of whose indices are entries like `entry` of `wanted`.
Node* BuildFilled(ArrayAnchor* anchor, Node* parent, unsigned offset, OrderShape wanted, Entry entry,
                  NodeReserve& reserve) {
  const unsigned height = parent->height() - 1;
  Node* node = reserve.Take();
  node->Join(anchor, parent, height, offset);
  InitMarksAs(node, *parent, offset);
  if (height == wanted.height) {
    for (unsigned i = 0; i < kSlots; i += wanted.slots) InitPiece(node, i, wanted.slots, entry);
  } else {
    for (unsigned i = 0; i < kSlots; ++i) {
      InitCounted(node, i, NodeEntry(BuildFilled(anchor, node, i, wanted, entry, reserve), height - 1));
    }
  }
  return node;
}

// Likewise, but only the entry at `index` is of `wanted`, and the others are as large as they can be.
Node* BuildToward(ArrayAnchor* anchor, Node* parent, unsigned offset, uint64_t index, OrderShape wanted, Entry entry,
                  NodeReserve& reserve) {
  const unsigned height = parent->height() - 1;
  Node* node = reserve.Take();
  node->Join(anchor, parent, height, offset);
  InitMarksAs(node, *parent, offset);
  const unsigned target = OffsetAt(index, height);
  const bool is_last = height == wanted.height;
  Halve(0, kSlots, target, is_last ? wanted.slots : 1, [&](unsigned piece, unsigned slots) {
    if (is_last || piece != target) {
      InitPiece(node, piece, slots, entry);
    } else {
      InitCounted(node, piece, NodeEntry(BuildToward(anchor, node, piece, index, wanted, entry, reserve), height - 1));
    }
  });
  return node;
}

}  // namespace

Splitting ArrayCore::SplittingOf(uint64_t index, unsigned order, Node& node, unsigned offset) {
  return {index, order, &node, offset, {node.height(), node.SlotsTakenLocked(offset)}, node.SlotLocked(offset)};
}

// `count` says how many nodes `make` takes.
template <typename Count, typename Make>
absl::Status ArrayCore::SplitBy(uint64_t index, unsigned order, Count count, Make make) {
  MXA_CHECK(order <= kMaxOrder, "an entry of a higher order than 63");
  NodeReserve reserve(*nodes_);  // before the lock: gives back what is left over after it
  for (;;) {
    uint64_t missing = 0;
    {
      ArrayLock lock(anchor_);
      const Place place = FindLocked(index);
      if (place.entry == kNull) return absl::NotFoundError("nothing to split at the index");
      if (place.node == nullptr) return absl::OkStatus();
      const Splitting splitting = SplittingOf(index, order, *place.node, place.offset);
      if (OrderOf(splitting.shape) <= order) return absl::OkStatus();
      missing = count(splitting);
      if (missing == 0 || reserve.size() >= missing) {
        make(splitting, reserve);
        return absl::OkStatus();
      }
    }
    // Nothing was changed; then look again, as the tree may be another one.
    MXA_SCHEDULE_POINT("split.unlocked_fill");
    if (missing >= kMostNodes || !reserve.Fill(missing, slab::AllocFlags::kMayReclaim)) {
      return absl::ResourceExhaustedError("no memory for the nodes of an array");
    }
  }
}

absl::Status ArrayCore::Split(uint64_t index, unsigned order) {
  return SplitBy(
      index, order,
      [](const Splitting& splitting) {
        return splitting.shape.slots * NodesBelow(splitting.shape.height, ShapeOf(splitting.order));
      },
      [this](const Splitting& splitting, NodeReserve& reserve) {
        anchor_.AssertHeld();
        SplitLocked(splitting, reserve);
      });
}

absl::Status ArrayCore::SplitToward(uint64_t index, unsigned order) {
  return SplitBy(
      index, order, [](const Splitting& splitting) { return splitting.shape.height - ShapeOf(splitting.order).height; },
      [this](const Splitting& splitting, NodeReserve& reserve) {
        anchor_.AssertHeld();
        SplitTowardLocked(splitting, reserve);
      });
}

void ArrayCore::SplitLocked(const Splitting& splitting, NodeReserve& reserve) {
  const OrderShape wanted = ShapeOf(splitting.order);
  Node* const node = splitting.node;
  if (wanted.height == splitting.shape.height) {
    for (unsigned i = 0; i < splitting.shape.slots; i += wanted.slots) {
      PublishPiece(node, splitting.offset + i, wanted.slots, splitting.entry);
    }
    TellUpdated(node);
    return;
  }
  const unsigned last = splitting.shape.slots - 1;
  for (unsigned i = 0; i <= last; ++i) {
    const unsigned offset = splitting.offset + (PlantedBugIs(PlantedBug::kSplitAscends) ? i : last - i);
    Node* child = BuildFilled(&anchor_, node, offset, wanted, splitting.entry, reserve);
    node->PublishSlot(offset, NodeEntry(child, child->height()));
    TellTree(child);
    MXA_SCHEDULE_POINT("split.piece");
  }
  TellUpdated(node);
  ShrinkLocked();
}

void ArrayCore::SplitTowardLocked(const Splitting& splitting, NodeReserve& reserve) {
  const OrderShape wanted = ShapeOf(splitting.order);
  Node* const node = splitting.node;
  const unsigned target = OffsetAt(splitting.index, splitting.shape.height);
  const bool is_last = wanted.height == splitting.shape.height;
  Halve(splitting.offset, splitting.shape.slots, target, is_last ? wanted.slots : 1,
        [&](unsigned piece, unsigned slots) { PublishPiece(node, piece, slots, splitting.entry); });
  if (is_last) {
    TellUpdated(node);
    return;
  }
  Node* child = BuildToward(&anchor_, node, target, splitting.index, wanted, splitting.entry, reserve);
  node->PublishSlot(target, NodeEntry(child, child->height()));
  TellTree(child);
  TellUpdated(node);
  ShrinkLocked();
}

// How many nodes it takes to make an entry begin at `index`, if one goes on over it; 2^64, which is 0, needs no cut.
unsigned ArrayCore::CountCutLocked(uint64_t index) const {
  if (index == 0) return 0;
  const Place place = FindLocked(index);
  if (place.entry == kNull || place.node == nullptr) return 0;
  const unsigned order = static_cast<unsigned>(std::countr_zero(index));
  const OrderShape shape = {place.node->height(), place.node->SlotsTakenLocked(place.offset)};
  return OrderOf(shape) <= order ? 0 : shape.height - ShapeOf(order).height;
}

void ArrayCore::CutLocked(uint64_t index, NodeReserve& reserve) {
  if (index == 0) return;
  const Place place = FindLocked(index);
  if (place.entry == kNull || place.node == nullptr) return;
  // Of all orders that an entry that begins at `index` may have, the highest.
  const unsigned order = static_cast<unsigned>(std::countr_zero(index));
  const Splitting splitting = SplittingOf(index, order, *place.node, place.offset);
  if (OrderOf(splitting.shape) > order) SplitTowardLocked(splitting, reserve);
}

}  // namespace mxa::xarray
