// SPDX-License-Identifier: Apache-2.0
#include "slab/block_choice.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <tuple>

namespace mxa::slab {
namespace {

struct UnitCounts {
  size_t free = 0;
  size_t pinned = 0;
  size_t isolated = 0;
};

size_t Count(uint32_t bits) { return static_cast<size_t>(std::popcount(bits)); }

// Regions beyond those committed are free.
UnitCounts CountUnits(const ArenaSurvey& survey, UnitBlock block) {
  UnitCounts counts;
  for (size_t unit = block.first; unit < block.end();) {
    const size_t units = std::min(kUnitsPerRegion - unit % kUnitsPerRegion, block.end() - unit);
    const uint32_t mask = UnitMask(unit % kUnitsPerRegion, units);
    Arena::RegionUse use{.free = ~uint32_t{0}};
    if (unit / kUnitsPerRegion < survey.regions.size()) use = survey.regions[unit / kUnitsPerRegion];
    counts.free += Count(use.free & mask);
    counts.pinned += Count(use.pinned & mask);
    counts.isolated += Count(use.isolated & mask);
    unit += units;
  }
  return counts;
}

struct Costed {
  UnitBlock block;
  size_t bytes;
};

// What lives in the block, and in slabs larger than it that it is part of. A unit in use that no cache shows yet, or
// any more, counts as full.
Costed CostOf(const ArenaSurvey& survey, UnitBlock block, size_t units_in_use) {
  size_t bytes = 0;
  size_t known = 0;
  for (auto slab = survey.SlabFrom(block.first); slab != survey.slabs.end() && slab->first_unit < block.end(); ++slab) {
    bytes += slab->live_bytes;
    known += std::min(slab->end(), block.end()) - std::max(slab->first_unit, block.first);
  }
  return {block, bytes + (units_in_use - std::min(known, units_in_use)) * kUnitSize};
}

// Bytes of free memory that lack for what lives in the block. `free_units` are those of the whole arena.
size_t MissingFor(const ArenaSurvey& survey, UnitBlock block, size_t free_units) {
  std::vector<size_t> to_move(survey.caches.size());
  std::vector<size_t> places_lost(survey.caches.size());
  for (auto slab = survey.SlabFrom(block.first); slab != survey.slabs.end() && slab->first_unit < block.end(); ++slab) {
    to_move[slab->cache] += slab->live;
    places_lost[slab->cache] += survey.caches[slab->cache].capacity - slab->live;
  }
  size_t wanted = 0;
  for (size_t i = 0; i < to_move.size(); ++i) {
    const ArenaSurvey::CacheUse& cache = survey.caches[i];
    const size_t room = cache.free - std::min(cache.free, places_lost[i]);
    if (to_move[i] > room) wanted += (to_move[i] - room + cache.capacity - 1) / cache.capacity * cache.units;
  }
  const size_t elsewhere = free_units - CountUnits(survey, block).free;
  return wanted > elsewhere ? (wanted - elsewhere) * kUnitSize : 0;
}

// A pinned unit of the block.
size_t FirstPinned(const ArenaSurvey& survey, UnitBlock block) {
  size_t unit = block.first;
  while (CountUnits(survey, {unit, 1}).pinned == 0) ++unit;
  return unit;
}

}  // namespace

BlockChoice ChooseBlocks(const ArenaSurvey& survey, size_t units, size_t first_aligned) {
  BlockChoice choice;
  std::vector<Costed> costed;
  size_t fewest_pinned = SIZE_MAX;
  UnitBlock nearest;
  for (UnitBlock block{first_aligned, units}; block.end() <= survey.units_reserved; block.first += units) {
    const UnitCounts counts = CountUnits(survey, block);
    if (counts.pinned != 0) {
      if (counts.pinned <= fewest_pinned) {
        fewest_pinned = counts.pinned;
        nearest = block;
      }
    } else if (counts.isolated != 0) {
      choice.others_isolate = true;
    } else {
      costed.push_back(CostOf(survey, block, units - counts.free));
    }
  }
  if (costed.empty()) {
    if (fewest_pinned != SIZE_MAX) choice.nearest_pinned = FirstPinned(survey, nearest);
    return choice;
  }
  const auto cheapest = costed.begin() + static_cast<std::ptrdiff_t>(std::min(costed.size(), BlockChoice::kAtMost));
  std::partial_sort(costed.begin(), cheapest, costed.end(), [](const Costed& a, const Costed& b) {
    return std::make_tuple(a.bytes, ~a.block.first) < std::make_tuple(b.bytes, ~b.block.first);
  });
  costed.erase(cheapest, costed.end());

  size_t free_units = survey.units_reserved - survey.regions.size() * kUnitsPerRegion;
  for (const Arena::RegionUse& use : survey.regions) free_units += Count(use.free & ~use.isolated);
  for (const Costed& candidate : costed) {
    const size_t missing = MissingFor(survey, candidate.block, free_units);
    if (missing == 0) {
      choice.candidates.push_back(candidate.block);
    } else if (choice.missing_bytes == 0 || missing < choice.missing_bytes) {
      choice.missing_bytes = missing;
    }
  }
  return choice;
}

}  // namespace mxa::slab
