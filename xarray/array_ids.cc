// SPDX-License-Identifier: Apache-2.0
//
// Reserving indices, and finding free ones: what an array is when its indices are IDs.
//
// The search goes by the full words: where a bit is clear something is free below. It may go down once in vain, along
// the limit's beginning, when all that is free lies before it; then up, and down again along beginnings of nodes.
#include <algorithm>
#include <bit>

#include "absl/status/status.h"
#include "base/check.h"
#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "xarray/array_core.h"
#include "xarray/locked_array.h"
#include "xarray/node_reserve.h"

namespace mxa::xarray {
namespace {

// The slots of a node that lead to indices below 2^64: a node of the full height has 16.
uint64_t SlotsOf(unsigned height) {
  return height < kMaxHeight ? ~uint64_t{0} : (uint64_t{2} << OffsetAt(~uint64_t{0}, kMaxHeight)) - 1;
}

}  // namespace

absl::Status ArrayCore::Reserve(uint64_t index) {
  return Update(index, kZero, {Condition::Kind::kUnused, kNull}).status();
}

bool ArrayCore::Release(uint64_t index) { return LockedArray(*this).Release(index); }

absl::StatusOr<uint64_t> ArrayCore::Allocate(Entry entry, IdLimit limit, uint64_t* id) {
  const absl::StatusOr<CyclicId> allocated = AllocateFrom(entry, limit, nullptr, id);
  if (!allocated.ok()) return allocated.status();
  return allocated->id;
}

absl::StatusOr<CyclicId> ArrayCore::AllocateCyclic(Entry entry, IdLimit limit, CyclicState& state, uint64_t* id) {
  return AllocateFrom(entry, limit, &state, id);
}

// `state` null: from the limit's beginning on.
absl::StatusOr<CyclicId> ArrayCore::AllocateFrom(Entry entry, IdLimit limit, CyclicState* state, uint64_t* id) {
  MXA_CHECK(IsStorable(entry), "not an entry a user may store");
  if (entry == kNull) entry = kZero;
  NodeReserve reserve(*nodes_);  // before the lock: gives back what is left over after it
  for (;;) {
    unsigned missing = 0;
    {
      ArrayLock lock(anchor_);
      FreePlace found;
      bool wrapped = false;
      if (state == nullptr ? !FindFreeLocked(limit, Wanted::kFree, found)
                           : !FindCyclicLocked(limit, *state, found, wrapped)) {
        return absl::OutOfRangeError("no index of the limit is free");
      }
      missing = found.place.nodes_missing;
      if (missing == 0 || reserve.Fill(missing, slab::AllocFlags::kNone)) {
        if (PlantedBugIs(PlantedBug::kIdFoundUnlocked)) anchor_.LetGoForPlantedBug();
        if (id != nullptr) *id = found.index;
        PutLocked(found.index, found.place, entry, reserve);
        if (state != nullptr) *state = {found.index + 1, found.index == ~uint64_t{0}};
        return CyclicId{found.index, wrapped};
      }
    }
    // As in Update: nothing was changed, and another may take the index meanwhile.
    reserve.Clear();
    MXA_SCHEDULE_POINT("allocate.unlocked_fill");
    if (!reserve.Fill(missing, slab::AllocFlags::kMayReclaim)) {
      return absl::ResourceExhaustedError("no memory for the nodes of an array");
    }
  }
}

bool ArrayCore::FindCyclicLocked(IdLimit limit, const CyclicState& state, FreePlace& found, bool& wrapped) const {
  const uint64_t first = std::max(limit.min, state.next);
  if (!state.past_end && FindFreeLocked({first, limit.max}, Wanted::kFree, found)) return true;
  // All of the limit has been looked at already.
  if (!state.past_end && first == limit.min) return false;
  wrapped = true;
  return FindFreeLocked(limit, Wanted::kFree, found);
}

// The lowest index of `limit` whose slot is as wanted, and its place.
bool ArrayCore::FindFreeLocked(IdLimit limit, Wanted wanted, FreePlace& found) const {
  if (limit.min > limit.max) return false;
  const Entry head = anchor_.HeadLocked();
  uint64_t beyond = 0;  // the first index that the tree, or the head, does not cover
  if (IsNode(head)) {
    if (SearchTreeLocked(limit, wanted, found)) return true;
    if (HeightBits(head) >= kMaxHeight) return false;
    beyond = MaxIndex(HeightBits(head)) + 1;
  } else if (head != kNull) {
    if (limit.min == 0 && wanted == Wanted::kFreeOrMarked0 && anchor_.IsMarkedLocked(Mark::k0)) {
      found = {0, {nullptr, 0, 0, head}};
      return true;
    }
    beyond = 1;
  }
  const uint64_t index = std::max(limit.min, beyond);
  if (index > limit.max) return false;
  found = {index, FindLocked(index)};
  return true;
}

// REQUIRES: the head is a node.
bool ArrayCore::SearchTreeLocked(IdLimit limit, Wanted wanted, FreePlace& found) const {
  const Entry head = anchor_.HeadLocked();
  unsigned height = HeightBits(head);
  if (limit.min > MaxIndex(height)) return false;
  Node* node = EntryNode(head);
  uint64_t index = limit.min;
  for (;;) {
    const unsigned offset = OffsetAt(index, height);
    uint64_t open = ~node->FullLocked() & SlotsOf(height);
    if (wanted == Wanted::kFreeOrMarked0) open |= node->MarksLocked(Mark::k0);
    open = open >> offset;
    if (open == 0) {
      // Nothing in this node. On in the lowest node above that is not at its end as well.
      const uint64_t last = index | MaxIndex(height);
      if (last >= limit.max) return false;
      index = last + 1;
      do {
        node = node->ParentLocked();
        if (node == nullptr) return false;
        ++height;
      } while (OffsetAt(index, height) == 0);
      continue;
    }
    if (const unsigned ahead = static_cast<unsigned>(std::countr_zero(open)); ahead != 0) {
      // The first index of the slot that is `ahead` of this one.
      index = (index & ~MaxIndex(height - 1)) + (uint64_t{ahead} << ((height - 1) * kSlotBits));
    }
    if (index > limit.max) return false;
    const unsigned slot = OffsetAt(index, height);
    const Entry entry = node->SlotLocked(slot);
    if (height == 1) {
      found = {index, {node, 0, slot, entry}};
      return true;
    }
    if (entry == kNull) {
      found = {index, {node, height - 1, slot, kNull}};
      return true;
    }
    node = EntryNode(entry);
    --height;
  }
}

}  // namespace mxa::xarray
