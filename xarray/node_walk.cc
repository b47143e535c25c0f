// SPDX-License-Identifier: Apache-2.0
#include "xarray/node_walk.h"

#include "base/schedule_point.h"

namespace mxa::xarray {
namespace {

// False when the node has left the tree.
bool CopySlots(const Node& node, std::array<Entry, kSlots>& slots) {
  for (unsigned offset = 0; offset < kSlots; ++offset) {
    MXA_SCHEDULE_POINT("node_walk.slot");
    slots[offset] = node.slot(offset);
    if (slots[offset] == kRetry) return false;
  }
  return true;
}

}  // namespace

// Each round begins at the head, and ends with a node met or with indices passed over; or a node that has left the tree
// sends it back.
bool NodeWalk::Next(NodeMet& met) {
  MXA_SCHEDULE_POINT("node_walk.step");
  while (!ended_) {
    Entry entry = anchor_.head();
    if (!IsNode(entry) || index_ > MaxIndex(HeightBits(entry))) return false;
    while (IsNode(entry) && WasMet(HeightBits(entry))) entry = Below(*EntryNode(entry), HeightBits(entry));
    if (!IsNode(entry)) continue;
    met.node = EntryNode(entry);
    met.height = HeightBits(entry);
    met.first = index_;
    if (!CopySlots(*met.node, met.slots)) continue;
    height_ = met.height - 1;
    return true;
  }
  return false;
}

// The node in the first slot of `node` that there may be something to meet behind. If there is none: what is no node, with
// the whole of `node` passed over unless it has left the tree.
Entry NodeWalk::Below(const Node& node, unsigned height) {
  if (height == 1) {
    PassOver(index_ | MaxIndex(1));
    return kNull;
  }
  for (;;) {
    const Entry entry = node.slot(OffsetAt(index_, height));
    if (IsNode(entry) || entry == kRetry) return entry;
    if (!PassOver(index_ | MaxIndex(height - 1)) || OffsetAt(index_, height) == 0) return kNull;
  }
}

// Nothing up to `last` is left to be met. False when that was all.
bool NodeWalk::PassOver(uint64_t last) {
  ended_ = last == ~uint64_t{0};
  index_ = last + 1;
  height_ = kMaxHeight;
  return !ended_;
}

}  // namespace mxa::xarray
