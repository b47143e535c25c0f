// SPDX-License-Identifier: Apache-2.0
#include "xarray/count_marked.h"

#include "reclaim/rcu.h"
#include "xarray/cursor.h"
#include "xarray/pause_interval.h"

namespace mxa::xarray {

uint64_t CountMarked(const ArrayCore& array, Mark mark, uint64_t first, uint64_t last) {
  uint64_t count = 0;
  Cursor cursor(array, first);
  for (;;) {
    reclaim::ReadSection section;
    for (unsigned leaf = 0; leaf < kPauseInterval; ++leaf) {
      if (cursor.NextMarked(mark, last) == kNull) return count;
      count += 1 + cursor.PassMarkedOfLeaf(mark, last);
    }
    cursor.Pause();
  }
}

}  // namespace mxa::xarray
