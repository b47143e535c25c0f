// SPDX-License-Identifier: Apache-2.0
//
// Setting, clearing and reading marks: set from the top down, cleared from the entry's node up, so that whoever sees a
// mark on an entry finds it from the head as well. An entry of several slots has the bits of all of them.
#include "base/planted_bug.h"
#include "base/schedule_point.h"
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
    entry = node->SlotLocked(offset);
    uint64_t bits = uint64_t{1} << offset;
    if (!IsNode(entry)) {
      const unsigned first = IsSibling(entry) ? SiblingOf(entry) : offset;
      bits = SlotBits(first, node->SlotsTakenLocked(first));
    }
    const uint64_t word = node->MarksLocked(mark);
    if ((word & bits) != bits && height > 1 && PlantedBugIs(PlantedBug::kMissingAncestorMark)) continue;
    if ((word & bits) != bits) node->StoreMarks(mark, word | bits);
  }
}

void ArrayCore::ClearMark(uint64_t index, Mark mark) { LockedArray(*this).ClearMark(index, mark); }

// REQUIRES: `place` has an entry.
void ArrayCore::ClearMarkLocked(const Place& place, Mark mark) {
  if (place.node != nullptr && (place.node->MarksLocked(mark) >> place.offset & 1) == 0) return;
  uint64_t bits = 0;
  if (place.node != nullptr) bits = SlotBits(place.offset, place.node->SlotsTakenLocked(place.offset));
  for (Node* node = place.node; node != nullptr; node = node->ParentLocked()) {
    const uint64_t word = node->MarksLocked(mark);
    node->StoreMarks(mark, word & ~bits);
    if (word != bits || PlantedBugIs(PlantedBug::kStaleAncestorMark)) return;
    bits = uint64_t{1} << node->offset();
  }
  anchor_.ClearMarkLocked(mark);
}

bool ArrayCore::GetMark(uint64_t index, Mark mark) const {
  reclaim::ReadSection section;
  MXA_SCHEDULE_POINT("get_mark.step");
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
    unsigned height = HeightBits(entry);
    for (; height > 1; height = HeightBits(entry)) {
      entry = node->slot(OffsetAt(index, height));
      if (!IsNode(entry)) break;
      node = EntryNode(entry);
    }
    if (entry == kRetry) continue;
    if (entry == kNull) return false;
    // Of a leaf, or of the node above that holds an entry of several indices: unless that went, its slot still says so. Else
    // the bit may be of another entry below.
    MXA_SCHEDULE_POINT("get_mark.slot_seen");
    const uint64_t word = node->marks(mark);
    if (!IsNode(entry) && node->slot(OffsetAt(index, height)) != entry &&
        !PlantedBugIs(PlantedBug::kMarkOfAnotherEntry))
      continue;
    // A node that has left the tree says nothing about now: its marks stay as they were.
    if (!node->IsRetired() || PlantedBugIs(PlantedBug::kMarkOfMovedNode))
      return (word >> OffsetAt(index, height) & 1) != 0;
  }
}

}  // namespace mxa::xarray
