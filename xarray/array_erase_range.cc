// SPDX-License-Identifier: Apache-2.0
//
// Erasing all that lies in a range.
#include "absl/status/status.h"
#include "base/check.h"
#include "base/schedule_point.h"
#include "xarray/array_core.h"
#include "xarray/node_reserve.h"

namespace mxa::xarray {
namespace {

// Entries that are erased under one hold of the lock.
constexpr int kErasedAtOnce = 64;

}  // namespace

// `index`: one of those of the entry at `place`.
Extent ArrayCore::ExtentOf(const Place& place, uint64_t index) {
  if (place.node == nullptr) return {0, 0};
  const uint64_t mask = OrderMask(OrderOf({place.node->height(), place.node->SlotsTakenLocked(place.offset)}));
  return {index & ~mask, index | mask};
}

// The first entry or reservation that has an index at `index`..last: its place, and the lowest such index.
bool ArrayCore::FindUsedLocked(uint64_t& index, uint64_t last, Place& found) const {
  const Entry head = anchor_.HeadLocked();
  if (head == kNull || (IsNode(head) ? index > MaxIndex(HeightBits(head)) : index > 0)) return false;
  found = FindLocked(index);
  if (found.entry != kNull) return true;
  Node* node = found.node;
  unsigned offset = found.offset;
  // On to the next slot that is not null, in this node or one above.
  for (;;) {
    while (++offset < kSlots && node->SlotLocked(offset) == kNull) {
    }
    if (offset < kSlots) break;
    offset = node->offset();
    node = node->ParentLocked();
    if (node == nullptr) return false;
  }
  // And down to its first entry.
  const uint64_t below = MaxIndex(node->height());
  index = (index & ~below) | uint64_t{offset} << ((node->height() - 1) * kSlotBits);
  for (Entry entry = node->SlotLocked(offset); IsNode(entry); entry = node->SlotLocked(offset)) {
    node = EntryNode(entry);
    for (offset = 0; node->SlotLocked(offset) == kNull;) ++offset;
    index |= uint64_t{offset} << ((node->height() - 1) * kSlotBits);
  }
  found = {node, 0, offset, node->SlotLocked(offset)};
  return index <= last;
}

absl::Status ArrayCore::EraseRange(uint64_t first, uint64_t last, Told removed) {
  MXA_CHECK(first <= last, "a range that ends before it begins");
  NodeReserve reserve(*nodes_);  // before the lock: gives back what is left over after it
  for (bool is_cut = false;;) {
    size_t missing = 0;
    {
      ArrayLock lock(anchor_);
      if (!is_cut) missing = CountCutLocked(first) + CountCutLocked(last + 1);
      if (missing <= reserve.size()) {
        if (!is_cut) {
          CutLocked(first, reserve);
          CutLocked(last + 1, reserve);
          is_cut = true;
        }
        if (!EraseSomeLocked(first, last, removed)) return absl::OkStatus();
      }
    }
    MXA_SCHEDULE_POINT("erase_range.unlocked");
    if (missing > reserve.size() && !reserve.Fill(missing, slab::AllocFlags::kMayReclaim)) {
      return absl::ResourceExhaustedError("no memory for the nodes of an array");
    }
  }
}

// Erases a few of the entries that lie in the range as a whole. False when that was the last, else `first` is where to go
// on. One that goes beyond the range has been stored since this call cut the ends: after it, as far as anyone can tell.
bool ArrayCore::EraseSomeLocked(uint64_t& first, uint64_t last, Told removed) {
  for (int i = 0; i < kErasedAtOnce; ++i) {
    Place place;
    if (!FindUsedLocked(first, last, place)) return false;
    const Extent extent = ExtentOf(place, first);
    if (extent.first >= first && extent.last <= last) {
      EraseLocked(place);
      if (place.entry != kZero) removed(extent.first, place.entry);
    }
    if (extent.last >= last) return false;
    first = extent.last + 1;
  }
  return true;
}

}  // namespace mxa::xarray
