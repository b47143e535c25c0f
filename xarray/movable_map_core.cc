// SPDX-License-Identifier: Apache-2.0
#include "xarray/movable_map_core.h"

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/planted_bug.h"
#include "xarray/cursor.h"
#include "xarray/locked_array.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {

using reclaim::MoveResult;

MovableMapCore::~MovableMapCore() {
  EraseRange(0, ~uint64_t{0});
  // Also when it was empty: the mover may have pinned the map for a value that has left long ago, and be about to try
  // its lock.
  MXA_SCHEDULE_POINT("map.await_unpinned");
  values_.mover().AwaitUnpinned(this);
}

MapValue* MovableMapCore::Allocate() {
  MapValue* value = values_.Allocate();
  MXA_SCHEDULE_POINT("map.allocated");
  return value;
}

absl::StatusOr<bool> MovableMapCore::Store(uint64_t index, MapValue* value) {
  // Before it can be found, so that no step under the lock is left out when it is. Until then the mover meets a value
  // that its slot does not lead to, and leaves it alone.
  value->SetOwner(this, index);
  MXA_SCHEDULE_POINT("map.before_store");
  const absl::StatusOr<Entry> found = array_.Store(index, ValueEntry(value));
  if (!found.ok()) {
    value->Reset();
    return found.status();
  }
  MXA_SCHEDULE_POINT("map.replaced");
  if (*found != kNull) {
    values_.Retire(EntryValueLocked(*found));
    return true;
  }
  size_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a count
  return false;
}

absl::Status MovableMapCore::Insert(uint64_t index, MapValue* value) {
  value->SetOwner(this, index);  // as in Store
  MXA_SCHEDULE_POINT("map.before_store");
  absl::Status status = array_.Insert(index, ValueEntry(value));
  if (status.ok()) {
    size_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a count
  } else {
    MXA_SCHEDULE_POINT("map.refused");
    value->Reset();
  }
  return status;
}

bool MovableMapCore::Update(uint64_t index, MapValue* value, absl::FunctionRef<void(const void* from, void* to)> make) {
  const size_t offset = values_.offset();
  MapValue* old = nullptr;
  {
    LockedArray locked(array_);
    old = EntryValueLocked(locked.Load(index));
    if (old == nullptr) return false;
    make(old->At(offset), value->At(offset));
    value->SetOwner(this, index);
    const auto found = locked.Store(index, ValueEntry(value));
    MXA_CHECK(found.ok() && *found == ValueEntry(old), "a present entry was replaced by means of memory");
  }
  MXA_SCHEDULE_POINT("map.replaced");
  values_.Retire(old);
  return true;
}

bool MovableMapCore::Erase(uint64_t index) {
  MapValue* old = EntryValueLocked(array_.Erase(index));
  if (old == nullptr) return false;
  MXA_SCHEDULE_POINT("map.erased");
  size_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: a count
  values_.Retire(old);
  return true;
}

void MovableMapCore::EraseRange(uint64_t first, uint64_t last) {
  int64_t erased = 0;
  const absl::Status status = array_.EraseRange(first, last, [&](uint64_t, Entry entry) {
    values_.Retire(EntryValueLocked(entry));
    ++erased;
  });
  MXA_CHECK(status.ok(), "a map of values has entries of several indices");
  size_.fetch_sub(erased, std::memory_order_relaxed);  // relaxed: a count
}

MoveResult MovableMapCore::TryMove(MapValue* from, MapValue* to) {
  // Step 3. Only try: a user may hold the lock for as long as an Update takes. Under it, what the slot leads to is in
  // the map, and nothing else is: not what is being stored, nor what has just been erased.
  if (!array_.anchor().TryLock()) return MoveResult::kBusy;
  MXA_SCHEDULE_POINT("value_mover.locked");
  LockedArray locked(array_, LockedArray::AdoptLock());
  const uint64_t index = from->index();
  if (locked.Load(index) != ValueEntry(from) && !PlantedBugIs(PlantedBug::kValueMovedUnchecked))
    return MoveResult::kBusy;

  // Step 4. Copy. Both copies say the same until the old one is gone, whoever reads which.
  values_.CopyBytes(*from, *to);
  to->SetOwner(this, index);
  MXA_SCHEDULE_POINT("value_mover.before_publish");

  // Step 5. Publish, with the marks as they were; then the old copy is out. The pass retires it, with its batch.
  const auto found = locked.Store(index, ValueEntry(to));
  MXA_CHECK(found.ok() && *found == ValueEntry(from), "a present entry was replaced by means of memory");
  MXA_SCHEDULE_POINT("value_mover.after_publish");
  from->Retire();
  return MoveResult::kMoved;
}

absl::Status MovableMapCore::CheckInvariants() const {
  const absl::Status status = xarray::CheckInvariants(array_);
  if (!status.ok()) return status;
  const ArrayLock lock(array_.anchor());
  size_t entries = 0;
  Cursor cursor(array_, 0);
  for (Entry entry = cursor.Next(~uint64_t{0}); entry != kNull; entry = cursor.Next(~uint64_t{0})) {
    ++entries;
    const MapValue* value = EntryValue(entry);
    if (value->owner() != this || value->index() != cursor.index()) {
      return absl::InternalError(absl::StrFormat("B1 at index %u", cursor.index()));
    }
  }
  if (entries != size()) return absl::InternalError(absl::StrFormat("B2: %u entries, size %u", entries, size()));
  return absl::OkStatus();
}

}  // namespace mxa::xarray
