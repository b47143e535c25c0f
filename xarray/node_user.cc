// SPDX-License-Identifier: Apache-2.0
#include "xarray/node_user.h"

#include <algorithm>

namespace mxa::xarray {

uint64_t NodeView::first_index() const {
  uint64_t index = 0;
  for (const Node* node = &node_; const Node* parent = node->ParentLocked(); node = parent) {
    index |= uint64_t{node->offset()} << (node->height() * kSlotBits);
  }
  return index;
}

unsigned NodeView::values() const {
  unsigned values = 0;
  for (unsigned offset = 0; offset < kSlots; ++offset) {
    Entry entry = node_.SlotLocked(offset);
    if (IsSibling(entry)) entry = node_.SlotLocked(SiblingOf(entry));
    values += IsValue(entry) ? 1 : 0;
  }
  return values;
}

bool NodeUser::TryMove(const NodeView& from, const NodeView&, size_t area_bytes) {
  const char* area = static_cast<const char*>(from.area());
  return std::all_of(area, area + area_bytes, [](char byte) { return byte == 0; });
}

}  // namespace mxa::xarray
