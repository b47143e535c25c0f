// SPDX-License-Identifier: Apache-2.0
#include "slab/observe/occupancy_text.h"

#include "absl/strings/str_format.h"
#include "slab/arena.h"
#include "slab/observe/names.h"

namespace mxa::slab::observe {

std::string OccupancyText(const Snapshot& snapshot) {
  std::string text =
      "A line a region of 2 MiB, a character a slab where it begins:\n"
      "  _ empty   0 to 9 tenths allocated   # full   * a pass empties it   - more of the same slab   . not this "
      "cache's\n"
      "Cached and retired objects count as allocated here. At the end of a line: units of 64 KiB in use by all "
      "caches.\n";
  for (const CacheSnapshot& cache : snapshot.caches) {
    absl::StrAppendFormat(&text, "\n%s, arena %d: %d slabs of %d objects, %d allocated of %d\n", ColumnName(cache.name),
                          cache.arena, cache.stats.slabs, cache.stats.objects_per_slab,
                          cache.active() + cache.stats.cached, cache.objects());
    for (const RegionMap& map : cache.map) {
      absl::StrAppendFormat(&text, "%8d  %s  %2d/%d\n", map.region, map.units, map.units_used, kUnitsPerRegion);
    }
  }
  return text;
}

}  // namespace mxa::slab::observe
