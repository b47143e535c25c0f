// SPDX-License-Identifier: Apache-2.0
#include "xarray/locked_array.h"

#include "base/check.h"
#include "xarray/node_reserve.h"

namespace mxa::xarray {

Entry LockedArray::Load(uint64_t index) const {
  array_.anchor_.AssertHeld();
  return AsRead(array_.FindLocked(index).entry);
}

absl::StatusOr<Entry> LockedArray::Update(uint64_t index, Entry entry, Condition condition) {
  array_.anchor_.AssertHeld();
  return array_.UpdateLocked(index, entry, condition);
}

absl::StatusOr<Entry> LockedArray::Store(uint64_t index, Entry entry) {
  MXA_CHECK(IsStorable(entry), "not an entry a user may store");
  absl::StatusOr<Entry> found = Update(index, entry, {Condition::Kind::kAlways, kNull});
  if (found.ok()) *found = AsRead(*found);
  return found;
}

absl::Status LockedArray::Insert(uint64_t index, Entry entry) {
  MXA_CHECK(IsStorable(entry), "not an entry a user may store");
  const absl::StatusOr<Entry> found = Update(index, entry == kNull ? kZero : entry, {Condition::Kind::kUnused, kNull});
  if (!found.ok()) return found.status();
  return *found == kNull ? absl::OkStatus() : absl::AlreadyExistsError("the index is in use");
}

absl::StatusOr<Entry> LockedArray::CompareExchange(uint64_t index, Entry expected, Entry desired) {
  MXA_CHECK(IsStorable(desired), "not an entry a user may store");
  absl::StatusOr<Entry> found = Update(index, desired, {Condition::Kind::kReadsAs, expected});
  if (found.ok()) *found = AsRead(*found);
  return found;
}

Entry LockedArray::Erase(uint64_t index) {
  array_.anchor_.AssertHeld();
  const Place place = array_.FindLocked(index);
  array_.EraseLocked(place);
  return AsRead(place.entry);
}

absl::Status LockedArray::Reserve(uint64_t index) {
  return Update(index, kZero, {Condition::Kind::kUnused, kNull}).status();
}

bool LockedArray::Release(uint64_t index) {
  array_.anchor_.AssertHeld();
  const Place place = array_.FindLocked(index);
  if (place.entry != kZero) return false;
  array_.EraseLocked(place);
  return true;
}

absl::Status LockedArray::UpdateOrder(uint64_t index, unsigned order, Entry entry, bool only_free,
                                      ArrayCore::Told replaced) {
  array_.anchor_.AssertHeld();
  NodeReserve reserve(*array_.nodes_);
  size_t missing = 0;
  switch (array_.TryOrderLocked({index, order, entry, only_free}, replaced, reserve, missing)) {
    case Tried::kInUse:
      return absl::AlreadyExistsError("an index of the entry is in use");
    case Tried::kNoMemory:
      return absl::ResourceExhaustedError("no memory at hand for the nodes of a locked array");
    case Tried::kDone:
      break;
  }
  return absl::OkStatus();
}

absl::Status LockedArray::StoreOrder(uint64_t index, unsigned order, Entry entry, ArrayCore::Told replaced) {
  return UpdateOrder(index, order, entry, /*only_free=*/false, replaced);
}

absl::Status LockedArray::InsertOrder(uint64_t index, unsigned order, Entry entry) {
  return UpdateOrder(index, order, entry, /*only_free=*/true, [](uint64_t, Entry) {});
}

std::optional<unsigned> LockedArray::GetOrder(uint64_t index) const { return array_.GetOrder(index); }

bool LockedArray::GetMark(uint64_t index, Mark mark) const { return array_.GetMark(index, mark); }

bool LockedArray::SetMark(uint64_t index, Mark mark) {
  array_.anchor_.AssertHeld();
  if (Load(index) == kNull) return false;
  array_.SetMarkLocked(index, mark);
  return true;
}

void LockedArray::ClearMark(uint64_t index, Mark mark) {
  array_.anchor_.AssertHeld();
  const Place place = array_.FindLocked(index);
  if (place.entry != kNull) array_.ClearMarkLocked(place, mark);
}

}  // namespace mxa::xarray
