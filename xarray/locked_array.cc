// SPDX-License-Identifier: Apache-2.0
#include "xarray/locked_array.h"

#include "base/check.h"

namespace mxa::xarray {

Entry LockedArray::Load(uint64_t index) const {
  array_.anchor_.AssertHeld();
  return AsRead(array_.FindLocked(index).entry);
}

absl::StatusOr<Entry> LockedArray::Update(uint64_t index, Entry entry, ArrayCore::Condition condition) {
  array_.anchor_.AssertHeld();
  return array_.UpdateLocked(index, entry, condition);
}

absl::StatusOr<Entry> LockedArray::Store(uint64_t index, Entry entry) {
  MXA_CHECK(IsStorable(entry), "not an entry a user may store");
  absl::StatusOr<Entry> found = Update(index, entry, {ArrayCore::Condition::Kind::kAlways, kNull});
  if (found.ok()) *found = AsRead(*found);
  return found;
}

absl::Status LockedArray::Insert(uint64_t index, Entry entry) {
  MXA_CHECK(IsStorable(entry), "not an entry a user may store");
  const absl::StatusOr<Entry> found =
      Update(index, entry == kNull ? kZero : entry, {ArrayCore::Condition::Kind::kUnused, kNull});
  if (!found.ok()) return found.status();
  return *found == kNull ? absl::OkStatus() : absl::AlreadyExistsError("the index is in use");
}

absl::StatusOr<Entry> LockedArray::CompareExchange(uint64_t index, Entry expected, Entry desired) {
  MXA_CHECK(IsStorable(desired), "not an entry a user may store");
  absl::StatusOr<Entry> found = Update(index, desired, {ArrayCore::Condition::Kind::kReadsAs, expected});
  if (found.ok()) *found = AsRead(*found);
  return found;
}

Entry LockedArray::Erase(uint64_t index) {
  array_.anchor_.AssertHeld();
  const ArrayCore::Place place = array_.FindLocked(index);
  array_.EraseLocked(place);
  return AsRead(place.entry);
}

absl::Status LockedArray::Reserve(uint64_t index) {
  return Update(index, kZero, {ArrayCore::Condition::Kind::kUnused, kNull}).status();
}

bool LockedArray::Release(uint64_t index) {
  array_.anchor_.AssertHeld();
  const ArrayCore::Place place = array_.FindLocked(index);
  if (place.entry != kZero) return false;
  array_.EraseLocked(place);
  return true;
}

bool LockedArray::GetMark(uint64_t index, Mark mark) const { return array_.GetMark(index, mark); }

bool LockedArray::SetMark(uint64_t index, Mark mark) {
  array_.anchor_.AssertHeld();
  if (Load(index) == kNull) return false;
  array_.SetMarkLocked(index, mark);
  return true;
}

void LockedArray::ClearMark(uint64_t index, Mark mark) {
  array_.anchor_.AssertHeld();
  const ArrayCore::Place place = array_.FindLocked(index);
  if (place.entry != kNull) array_.ClearMarkLocked(place, mark);
}

}  // namespace mxa::xarray
