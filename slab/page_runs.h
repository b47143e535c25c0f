// SPDX-License-Identifier: Apache-2.0
//
// Units cut into blocks of pages, for contiguous memory of less than a unit.
//
// Invariants:
//   Pr1  a unit here has a page that is out or coming back.    (but between Add and the first Take)
//   Pr2  B1 and B2 (buddy_block.h) for the pages of every unit.
// Threads: none of its own; the arena's lock guards it.
// Why not a unit each: a block of 4 KiB would hold 64 of them, and keep a region from ever being free.
#ifndef MXA_SLAB_PAGE_RUNS_H_
#define MXA_SLAB_PAGE_RUNS_H_

#include <cstddef>
#include <map>
#include <optional>

#include "slab/buddy_block.h"
#include "slab/unit_block.h"

namespace mxa::slab {

inline constexpr size_t kPageSize = 4096;
inline constexpr size_t kPagesPerUnit = kUnitSize / kPageSize;

class PageRuns {
 public:
  struct Place {
    size_t unit = 0;
    size_t page = 0;  // in the unit
  };

  // All pages of `unit` are free.
  void Add(size_t unit) { units_.emplace(unit, BuddyBlock(kPagesPerUnit)); }
  // Takes `pages` pages, a power of two up to kPagesPerUnit, where the smallest free buddy has room.
  std::optional<Place> Take(size_t pages);

  // Pages come back in two steps, between which they are cleared. The first returns how many they are, 0 when none that
  // are out begin there; the second returns whether the unit was left without any, and has been dropped.
  size_t BeginReturn(Place place);
  bool EndReturn(Place place, size_t pages);

 private:
  std::map<size_t, BuddyBlock> units_;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_PAGE_RUNS_H_
