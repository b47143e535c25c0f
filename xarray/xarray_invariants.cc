// SPDX-License-Identifier: Apache-2.0
#include "xarray/xarray_invariants.h"

#include <cstdint>

#include "absl/strings/str_format.h"

namespace mxa::xarray {
namespace {

class Checker {
 public:
  explicit Checker(const ArrayAnchor& anchor) : anchor_(anchor) {}

  absl::Status Check() {
    ArrayLock lock(anchor_);
    const Entry head = anchor_.HeadLocked();
    if (!IsNode(head)) {
      if (head == kRetry) return Broken("X5", "the head says retry", nullptr, 0);
      for (Mark mark : kAllMarks) {
        if ((head == kNull || head == kZero) && anchor_.IsMarkedLocked(mark)) {
          return Broken("X4", "an array without elements is marked", nullptr, 0);
        }
      }
      return absl::OkStatus();
    }
    const Node* top = EntryNode(head);
    if (top->ParentLocked() != nullptr) return Broken("X2", "the top node has a parent", top, 0);
    if (absl::Status status = CheckNode(top, HeightBits(head), 0); !status.ok()) return status;
    if (top->UsedLocked() == 1 && (HeightBits(head) == 1 || IsNode(top->SlotLocked(0))))
      return Broken("X3", "the top node holds slot 0 only", top, 0);
    for (Mark mark : kAllMarks) {
      if (anchor_.IsMarkedLocked(mark) != (top->MarksLocked(mark) != 0)) {
        return Broken("X4", "the array's marks differ from the top node's", top, 0);
      }
    }
    return absl::OkStatus();
  }

 private:
  // `first`: the lowest index that `node` covers.
  absl::Status CheckNode(const Node* node, unsigned height, uint64_t first) {
    if (node->canary() != kCanaryLive) return Broken("X7", "a node of the tree is not allocated", node, first);
    if (node->owner() != &anchor_) return Broken("X6", "a node's owner is another", node, first);
    if (node->height() != height) return Broken("X2", "a node's height is not the pointer's", node, first);
    uint64_t used = 0;
    for (unsigned offset = 0; offset < kSlots; ++offset) {
      const Entry entry = node->SlotLocked(offset);
      const uint64_t index = first + (uint64_t{offset} << ((height - 1) * kSlotBits));
      if (entry == kRetry) return Broken("X5", "a retry entry can be reached", node, index);
      if (entry != kNull) used |= SlotBits(offset, 1);
      if (absl::Status status = CheckSlot(node, height, offset, entry, index); !status.ok()) return status;
    }
    if (used != node->UsedLocked() || used == 0) return Broken("X1", "a node's used word is wrong", node, first);
    return absl::OkStatus();
  }

  absl::Status CheckSlot(const Node* node, unsigned height, unsigned offset, Entry entry, uint64_t index) {
    const Node* child = IsNode(entry) ? EntryNode(entry) : nullptr;
    if (height == 1 && child != nullptr) return Broken("X3", "a node below a leaf", node, index);
    if (entry != kNull && child == nullptr) {
      if (absl::Status status = CheckTies(node, offset, index); !status.ok()) return status;
    }
    for (Mark mark : kAllMarks) {
      const bool marked = (node->MarksLocked(mark) >> offset & 1) != 0;
      if (marked && entry == kNull) return Broken("X4", "a null slot is marked", node, index);
      if (marked && entry == kZero) return Broken("X4", "a reserved slot is marked", node, index);
      if (child != nullptr && marked != (child->MarksLocked(mark) != 0)) {
        return Broken("X4", "a slot's mark differs from its child's", node, index);
      }
    }
    const bool full = (node->FullLocked() >> offset & 1) != 0;
    if (child == nullptr) {
      return full == (entry != kNull) ? absl::OkStatus() : Broken("X8", "a slot's full bit is wrong", node, index);
    }
    if (HeightBits(entry) != height - 1) return Broken("X2", "a child of the wrong height", node, index);
    if (child->ParentLocked() != node) return Broken("X2", "a child's parent is another", child, index);
    if (child->offset() != offset) return Broken("X2", "a child's offset is wrong", child, index);
    if (absl::Status status = CheckNode(child, height - 1, index); !status.ok()) return status;
    if (full != child->AllFullLocked()) return Broken("X8", "a slot's full bit differs from its child's", node, index);
    return absl::OkStatus();
  }

  absl::Status CheckTies(const Node* node, unsigned offset, uint64_t index) {
    const Entry entry = node->SlotLocked(offset);
    if (!IsSibling(entry)) {
      const unsigned slots = node->SlotsTakenLocked(offset);
      if (slots >= kSlots || offset % slots != 0)
        return Broken("X9", "an entry takes a wrong number of slots", node, index);
      for (unsigned i = 1; i < slots; ++i) {
        if (node->SlotLocked(offset + i) != node->SlotLocked(offset + 1))
          return Broken("X9", "the slots of an entry are not all its own", node, index);
      }
      return absl::OkStatus();
    }
    const unsigned first = SiblingOf(entry);
    if (first >= offset || IsNode(node->SlotLocked(first)) || node->SlotLocked(first) == kNull ||
        IsSibling(node->SlotLocked(first)))
      return Broken("X9", "a sibling without an entry", node, index);
    if (first + SlotsOfSibling(entry) <= offset || node->SlotLocked(first + 1) != entry)
      return Broken("X9", "a sibling apart from its entry", node, index);
    for (Mark mark : kAllMarks) {
      if (((node->MarksLocked(mark) >> offset ^ node->MarksLocked(mark) >> first) & 1) != 0)
        return Broken("X9", "an entry that is marked in part", node, index);
    }
    return absl::OkStatus();
  }

  static absl::Status Broken(const char* number, const char* what, const Node* node, uint64_t index) {
    return absl::InternalError(absl::StrFormat("%s: %s, at index %u, node %p", number, what, index, node));
  }

  const ArrayAnchor& anchor_;
};

}  // namespace

absl::Status CheckInvariants(const ArrayCore& array) { return Checker(array.anchor()).Check(); }

}  // namespace mxa::xarray
