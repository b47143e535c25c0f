// SPDX-License-Identifier: Apache-2.0
#include "xarray/array_core.h"

#include "absl/status/status.h"
#include "base/check.h"
#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "xarray/node_reserve.h"

namespace mxa::xarray {

// The walk of LoadInSection from a top of a height that is less usual, or from no node.
Entry ArrayCore::LoadFromOtherTop(Entry head, uint64_t index) const {
  switch (head & kNodeAlignMask) {
    case NodeTag(1):
      return LoadFromTop<1>(SlotsOf<1>(head), index);
    case NodeTag(6):
      return LoadFromTop<6>(SlotsOf<6>(head), index);
    case NodeTag(7):
      return LoadFromTop<7>(SlotsOf<7>(head), index);
    case NodeTag(8):
      return LoadFromTop<8>(SlotsOf<8>(head), index);
    case NodeTag(9):
      return LoadFromTop<9>(SlotsOf<9>(head), index);
    case NodeTag(10):
      return LoadFromTop<10>(SlotsOf<10>(head), index);
    case NodeTag(11):
      return LoadFromTop<11>(SlotsOf<11>(head), index);
    default:
      return LoadSlow(head, index);
  }
}

// What the unrolled walk does not cover: an empty array, an entry in the head, retry, reserved, siblings. Loops only when
// a node has left the tree, or an entry of several indices its slots, under the walk.
Entry ArrayCore::LoadSlow(Entry entry, uint64_t index) const {
  if (entry == kNull) return kNull;
  if (entry == kRetry && PlantedBugIs(PlantedBug::kLoadMissesRetry)) return kNull;
  MXA_SCHEDULE_POINT("load.step");
  for (;;) {
    MXA_SCHEDULE_POINT("load.restart");
    entry = anchor_.head();
    if (!IsNode(entry)) {
      CheckNotEnded(entry);
      return index == 0 && !IsInternal(entry) ? entry : kNull;
    }
    if (index > MaxIndex(HeightBits(entry))) return kNull;
    const Node* node = nullptr;
    unsigned offset = 0;
    while (IsNode(entry)) {
      node = EntryNode(entry);
      offset = OffsetAt(index, HeightBits(entry));
      entry = node->slot(offset);
    }
    if (IsSibling(entry) && !node->ResolveSibling(offset, entry)) continue;
    if (entry != kRetry) return AsRead(entry);
  }
}

absl::StatusOr<Entry> ArrayCore::Update(uint64_t index, Entry entry, Condition condition) {
  NodeReserve reserve(*nodes_);  // before the lock: gives back what is left over after it
  for (;;) {
    unsigned missing = 0;
    {
      ArrayLock lock(anchor_);
      const Place place = FindLocked(index);
      if (!condition.Holds(place.entry)) return place.entry;
      if (entry == kNull) {
        EraseLocked(place);
        return place.entry;
      }
      missing = place.nodes_missing;
      if (missing == 0 || reserve.Fill(missing, slab::AllocFlags::kNone)) {
        PutLocked(index, place, entry, reserve);
        return place.entry;
      }
    }
    // Nothing was changed. Memory can be taken back only outside the lock; then look again, as the tree may be another
    // one.
    reserve.Clear();
    MXA_SCHEDULE_POINT("store.unlocked_fill");
    if (!reserve.Fill(missing, slab::AllocFlags::kMayReclaim)) {
      return absl::ResourceExhaustedError("no memory for the nodes of an array");
    }
  }
}

// Not what Update does under the lock, called by it: shared, it would cost a store half as much again.
absl::StatusOr<Entry> ArrayCore::UpdateLocked(uint64_t index, Entry entry, Condition condition) {
  const Place place = FindLocked(index);
  if (!condition.Holds(place.entry)) return place.entry;
  if (entry == kNull) {
    EraseLocked(place);
    return place.entry;
  }
  NodeReserve reserve(*nodes_);
  if (!reserve.Fill(place.nodes_missing, slab::AllocFlags::kNone)) {
    return absl::ResourceExhaustedError("no memory at hand for the nodes of a locked array");
  }
  PutLocked(index, place, entry, reserve);
  return place.entry;
}

absl::StatusOr<Entry> ArrayCore::Store(uint64_t index, Entry entry) {
  MXA_CHECK(IsStorable(entry), "not an entry a user may store");
  // Changed in place: another StatusOr would cost a store measurably.
  absl::StatusOr<Entry> found = Update(index, entry, {Condition::Kind::kAlways, kNull});
  if (found.ok()) *found = AsRead(*found);
  return found;
}

absl::Status ArrayCore::Insert(uint64_t index, Entry entry) {
  MXA_CHECK(IsStorable(entry), "not an entry a user may store");
  const absl::StatusOr<Entry> found = Update(index, entry == kNull ? kZero : entry, {Condition::Kind::kUnused, kNull});
  if (!found.ok()) return found.status();
  return *found == kNull ? absl::OkStatus() : absl::AlreadyExistsError("the index is in use");
}

absl::StatusOr<Entry> ArrayCore::CompareExchange(uint64_t index, Entry expected, Entry desired) {
  MXA_CHECK(IsStorable(desired), "not an entry a user may store");
  absl::StatusOr<Entry> found = Update(index, desired, {Condition::Kind::kReadsAs, expected});
  if (found.ok()) *found = AsRead(*found);
  return found;
}

Entry ArrayCore::Erase(uint64_t index) {
  ArrayLock lock(anchor_);
  const Place place = FindLocked(index);
  EraseLocked(place);
  return AsRead(place.entry);
}

void ArrayCore::Clear() {
  ArrayLock lock(anchor_);
  DropAllLocked(UnpublishAllLocked());
}

// What the head was. Readers that come now find nothing; those inside may go on until the nodes say retry.
Entry ArrayCore::UnpublishAllLocked() {
  const Entry head = anchor_.HeadLocked();
  if (head == kNull) return kNull;
  anchor_.PublishHead(kNull);
  for (Mark mark : kAllMarks) anchor_.ClearMarkLocked(mark);
  return head;
}

void ArrayCore::TearDown() {
  Clear();
  // Also when the array was empty: a mover may have pinned it for a node that has left long ago, and be about to try
  // its lock.
  MXA_SCHEDULE_POINT("array.await_unpinned");
  nodes_->mover().AwaitUnpinned(&anchor_);
}

}  // namespace mxa::xarray
