// SPDX-License-Identifier: Apache-2.0
#include "xarray/locked_node.h"

#include <bit>
#include <type_traits>

namespace mxa::xarray {

std::optional<LockedNode> LockedNode::TryLock(void* area) {
  Node* node = NodeView::NodeOf(area);
  ArrayAnchor* anchor = node->owner();
  if (!anchor->TryLock()) return std::nullopt;
  // The anchor is the array's first member, so they have one address.
  static_assert(std::is_standard_layout_v<ArrayCore>);
  LockedNode locked(reinterpret_cast<ArrayCore*>(anchor), node);
  return locked;
}

void LockedNode::Unlock() const { array_->anchor_.Unlock(); }

void LockedNode::ForEach(absl::FunctionRef<void(uint64_t, Entry)> fn) const {
  if (node_->height() != 1) return;
  const uint64_t first = view().first_index();
  for (uint64_t used = node_->UsedLocked(); used != 0; used &= used - 1) {
    const unsigned offset = static_cast<unsigned>(std::countr_zero(used));
    const Entry entry = node_->SlotLocked(offset);
    if (!IsInternal(entry)) fn(first + offset, entry);
  }
}

void LockedNode::EraseAll(absl::FunctionRef<void(uint64_t, Entry)> erased) && {
  if (node_->height() != 1) return;
  array_->anchor_.AssertHeld();
  const uint64_t first = view().first_index();
  // Upward: once slot 0 is null, the node does not become its entry when that is the last one (X3).
  for (bool is_last = false; !is_last;) {
    const unsigned offset = static_cast<unsigned>(std::countr_zero(node_->UsedLocked()));
    const Entry entry = node_->SlotLocked(offset);
    is_last = node_->UsedLocked() == SlotBits(offset, node_->SlotsTakenLocked(offset));
    array_->EraseLocked({node_, 0, offset, entry});
    if (!IsInternal(entry)) erased(first + offset, entry);
  }
  node_ = nullptr;
}

}  // namespace mxa::xarray
