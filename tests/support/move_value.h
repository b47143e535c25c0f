// SPDX-License-Identifier: Apache-2.0
//
// Moves values of a MovableMap without a pass: one, or all.
//
// Threads: one at a time a value cache, and no pass over it.
#ifndef MXA_TESTS_SUPPORT_MOVE_VALUE_H_
#define MXA_TESTS_SUPPORT_MOVE_VALUE_H_

#include <cstdint>
#include <vector>

#include "base/check.h"
#include "reclaim/rcu.h"
#include "tests/support/move_object.h"
#include "xarray/cursor.h"
#include "xarray/map_value.h"
#include "xarray/movable_map_core.h"

namespace mxa::tests {

// The value at `index`, or null. REQUIRES: nobody removes it meanwhile.
inline xarray::MapValue* ValueAt(const xarray::MovableMapCore& map, uint64_t index) {
  return xarray::EntryValueLocked(map.array().Load(index));
}

// Gives back the place that a moved value had, whose bytes live on elsewhere.
inline void RetirePlace(xarray::ValueCache& values, xarray::MapValue* old) {
  reclaim::Synchronize();
  values.Free(old);
}

// Moves every value of `map`. REQUIRES: no other thread uses it.
inline void MoveAllValues(const xarray::MovableMapCore& map) {
  std::vector<xarray::MapValue*> all;
  {
    reclaim::ReadSection section;
    xarray::Cursor cursor(map.array(), 0);
    while (const xarray::Entry entry = cursor.Next(~uint64_t{0})) all.push_back(xarray::EntryValueLocked(entry));
  }
  for (xarray::MapValue* value : all) {
    MXA_CHECK(MoveObject(map.values().mover(), map.values().slabs(), value).result == reclaim::MoveResult::kMoved,
              "a value at rest did not move");
    map.values().Free(value);  // nobody reads it
  }
}

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_MOVE_VALUE_H_
