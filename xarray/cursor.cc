// SPDX-License-Identifier: Apache-2.0
#include "xarray/cursor.h"

#include <bit>

#include "base/schedule_point.h"

namespace mxa::xarray {
namespace {

bool IsPresent(Entry entry) { return entry != kNull && !IsInternal(entry); }

// The index bits below a slot of a node of `height`.
uint64_t SlotMask(unsigned height) { return MaxIndex(height - 1); }

}  // namespace

Entry Cursor::NextSlow(uint64_t last) {
  while (!ended_ && next_ <= last) {
    if (node_ == nullptr) {
      MXA_SCHEDULE_POINT("cursor.head");
      const Entry head = anchor_->head();
      if (!IsNode(head)) return next_ == 0 && IsPresent(head) ? MeetInHead(head) : kNull;
      if (next_ > MaxIndex(HeightBits(head))) return kNull;
      Enter(head);
    }
    const Entry entry = node_->slot(OffsetAt(next_, height_));
    if (IsPresent(entry)) return Meet(entry);
    if (IsNode(entry)) {
      Enter(entry);
    } else if (entry == kRetry) {
      Restart();
    } else {
      LeaveSlot();
    }
  }
  return kNull;
}

Entry Cursor::NextMarked(Mark mark, uint64_t last) {
  while (!ended_ && next_ <= last) {
    if (node_ == nullptr) {
      MXA_SCHEDULE_POINT("cursor.head");
      const uint64_t before = anchor_->mark_word();
      const Entry head = anchor_->head();
      if (!IsNode(head)) {
        if (next_ != 0 || !IsPresent(head)) return kNull;
        // The bits are this entry's only if no tree came in between (A3).
        const uint64_t after = anchor_->mark_word();
        if (!ArrayAnchor::SameGeneration(before, after)) continue;
        return ArrayAnchor::IsMarked(after, mark) ? MeetInHead(head) : kNull;
      }
      if (next_ > MaxIndex(HeightBits(head))) return kNull;
      Enter(head);
    }
    const unsigned offset = OffsetAt(next_, height_);
    const uint64_t word = node_->marks(mark) >> offset;
    // A node that has left the tree says nothing about now, neither that marks are there nor that none are.
    if (node_->IsRetired()) {
      Restart();
      continue;
    }
    if (word == 0) {
      LeaveNode();
      continue;
    }
    if (const unsigned ahead = static_cast<unsigned>(std::countr_zero(word)); ahead != 0) {
      // The first index of the slot that is `ahead` of this one.
      next_ = (next_ & ~SlotMask(height_)) + (uint64_t{ahead} << ((height_ - 1) * kSlotBits));
      if (next_ > last) return kNull;
    }
    const Entry entry = node_->slot(OffsetAt(next_, height_));
    if (IsPresent(entry)) return Meet(entry);
    if (IsNode(entry)) {
      Enter(entry);
    } else if (entry == kRetry) {
      Restart();
    } else {
      LeaveSlot();  // erased since the mark was read
    }
  }
  return kNull;
}

Entry Cursor::MeetInHead(Entry head) {
  index_ = 0;
  next_ = 1;
  return head;
}

Entry Cursor::Meet(Entry entry) {
  index_ = next_;
  LeaveSlot();
  return entry;
}

void Cursor::LeaveSlot() { PassOver(next_ | SlotMask(height_), OffsetAt(next_, height_) == kSlots - 1); }

void Cursor::LeaveNode() { PassOver(next_ | MaxIndex(height_), true); }

// All up to `last_passed` has been looked at, and if `leaves_node`, all that node_ covers.
void Cursor::PassOver(uint64_t last_passed, bool leaves_node) {
  if (last_passed == ~uint64_t{0}) {
    ended_ = true;
    Restart();
    return;
  }
  next_ = last_passed + 1;
  if (!leaves_node) return;
  // Up to the node that covers next_. One that has left the tree meanwhile says retry. No parent: the top, or what was
  // the top once; the head knows whether there is more by now.
  for (const Node* above = node_->parent(); above != nullptr; above = above->parent()) {
    const unsigned height = above->height();
    if (OffsetAt(next_, height) == 0) continue;
    node_ = above;
    height_ = height;
    return;
  }
  Restart();
}

}  // namespace mxa::xarray
