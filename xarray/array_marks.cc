// SPDX-License-Identifier: Apache-2.0
//
// Setting, clearing and reading marks: set from the top down, cleared from the leaf up.
//
// So that whoever sees a mark on an entry finds it from the head as well.
#include "xarray/array_core.h"
#include "xarray/locked_array.h"

namespace mxa::xarray {

bool ArrayCore::SetMark(uint64_t index, Mark mark) { return LockedArray(*this).SetMark(index, mark); }

// REQUIRES: there is an entry at `index`.
void ArrayCore::SetMarkLocked(uint64_t index, Mark mark) {
  anchor_.SetMarkLocked(mark);
  // The path is walked again rather than remembered: marks are set less often than entries are found.
  Entry entry = anchor_.HeadLocked();
  while (IsNode(entry)) {
    Node* node = EntryNode(entry);
    const unsigned height = HeightBits(entry);
    const unsigned offset = OffsetAt(index, height);
    const uint64_t word = node->MarksLocked(mark);
    const uint64_t bit = uint64_t{1} << offset;
    if ((word & bit) == 0) node->StoreMarks(mark, word | bit);
    if (height == 1) break;
    entry = node->SlotLocked(offset);
  }
}

void ArrayCore::ClearMark(uint64_t index, Mark mark) { LockedArray(*this).ClearMark(index, mark); }

// `leaf` holds the entry at `index`; null: the head does.
void ArrayCore::ClearMarkLocked(uint64_t index, Node* leaf, Mark mark) {
  unsigned offset = OffsetAt(index, 1);
  for (Node* node = leaf; node != nullptr; node = node->ParentLocked()) {
    const uint64_t word = node->MarksLocked(mark);
    const uint64_t bit = uint64_t{1} << offset;
    if ((word & bit) == 0) return;
    node->StoreMarks(mark, word & ~bit);
    if (word != bit) return;
    offset = node->offset();
  }
  anchor_.ClearMarkLocked(mark);
}

bool ArrayCore::GetMark(uint64_t index, Mark mark) const {
  reclaim::ReadSection section;
  for (;;) {
    const uint64_t before = anchor_.mark_word();
    Entry entry = anchor_.head();
    if (!IsNode(entry)) {
      if (index != 0 || entry == kNull) return false;
      // The bits are this entry's only if no tree came in between (A3).
      const uint64_t after = anchor_.mark_word();
      if (ArrayAnchor::SameGeneration(before, after)) return ArrayAnchor::IsMarked(after, mark);
      continue;
    }
    if (index > MaxIndex(HeightBits(entry))) return false;
    const Node* node = EntryNode(entry);
    for (unsigned height = HeightBits(entry); height > 1; height = HeightBits(entry)) {
      entry = node->slot(OffsetAt(index, height));
      if (!IsNode(entry)) break;
      node = EntryNode(entry);
    }
    if (entry == kRetry) continue;
    if (!IsNode(entry)) return false;
    const uint64_t word = node->marks(mark);
    // A node that has left the tree says nothing about now: its marks stay as they were.
    if (!node->IsRetired()) return (word >> OffsetAt(index, 1) & 1) != 0;
  }
}

}  // namespace mxa::xarray
