// SPDX-License-Identifier: Apache-2.0
//
// A cursor from one index to its neighbour, holes included.
//
// It stays in the lowest node there is above the index, which for a hole need not be a leaf: so a wide hole costs one
// load an index, as entries do.
#include "base/check.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "xarray/cursor.h"

namespace mxa::xarray {

Entry Cursor::StepTo(uint64_t index) {
  MXA_SCHEDULE_POINT("cursor.step");
  if (way() != kStep) {
    state_ = kStep;
    node_ = nullptr;
  }
  // Up to the node that covers both; none: to the head, which knows whether there is more by now.
  const uint64_t differs = index ^ index_;
  index_ = index;
  while (node_ != nullptr && (differs & ~MaxIndex(height())) != 0) {
    const Node* above = node_->parent();
    if (above == nullptr) {
      Restart();
    } else {
      EnterAbove(above, above->height());
    }
  }
  for (;;) {
    MXA_SCHEDULE_POINT("cursor.look");
    if (node_ == nullptr) {
      MXA_DCHECK(reclaim::InReadSection() || reclaim::tls_context.array_locks > 0, "a cursor outside a read section");
      MXA_SCHEDULE_POINT("cursor.head");
      const Entry head = anchor_->head();
      if (!IsNode(head)) return SteppedTo(index == 0 && !IsInternal(head) ? head : kNull);
      if (index > MaxIndex(HeightBits(head))) return SteppedTo(kNull);
      Enter(head);
    }
    const unsigned offset = OffsetAt(index, height());
    Entry entry = node_->slot(offset);
    if (IsSibling(entry) && !node_->ResolveSibling(offset, entry)) continue;
    if (IsNode(entry)) {
      Enter(entry);
    } else if (entry == kRetry) {
      Restart();
    } else {
      return SteppedTo(IsInternal(entry) ? kNull : entry);
    }
  }
}

Entry Cursor::Reload() const {
  // From the head: the node it stands in may be one whose changed copy a load would find already.
  Cursor copy = *this;
  copy.node_ = nullptr;
  copy.state_ = kStep;
  return copy.StepTo(index_);
}

}  // namespace mxa::xarray
