// SPDX-License-Identifier: Apache-2.0
//
// The steps are numbered as in xarray/README.md, "Moving a value".
#include "xarray/value_mover.h"

#include "base/schedule_point.h"
#include "xarray/map_value.h"
#include "xarray/movable_map_core.h"

namespace mxa::xarray {
namespace {

using reclaim::MoveResult;

MoveResult ResultForOwner(const MovableMapCore* owner) {
  return owner == RetiredMap() ? MoveResult::kGone : MoveResult::kBusy;
}

}  // namespace

bool ValueMover::MayMove(const void* object) {
  const MovableMapCore* owner = static_cast<const MapValue*>(object)->owner();
  return owner != nullptr && owner != RetiredMap();
}

MoveResult ValueMover::Move(void* object, void* destination) {
  auto* value = static_cast<MapValue*>(object);
  // Step 1. Whose is it?
  MovableMapCore* owner = value->owner();
  if (owner == nullptr || owner == RetiredMap()) return ResultForOwner(owner);
  MXA_SCHEDULE_POINT("value_mover.before_pin");

  // Step 2. Pin the map, then see that the value still is the map's when the pin could be seen.
  if (!PlantedBugIs(PlantedBug::kValueOwnerNotPinned)) pin_.Pin(owner);
  const MovableMapCore* still = value->owner();
  if (still != owner) {
    pin_.Unpin();
    return ResultForOwner(still);
  }
  MXA_SCHEDULE_POINT("value_mover.after_pin");
  const MoveResult result = owner->TryMove(value, static_cast<MapValue*>(destination));  // steps 3 to 5
  MXA_SCHEDULE_POINT("value_mover.before_unpin");

  // Step 6.
  pin_.Unpin();
  return result;
}

void ValueMover::Prefetch(const void* object) {
  __builtin_prefetch(object, 1, 3);
  __builtin_prefetch(static_cast<const char*>(object) + 64, 1, 3);
}

}  // namespace mxa::xarray
