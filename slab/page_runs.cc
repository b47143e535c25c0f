// SPDX-License-Identifier: Apache-2.0
#include "slab/page_runs.h"

namespace mxa::slab {

std::optional<PageRuns::Place> PageRuns::Take(size_t pages) {
  std::pair<const size_t, BuddyBlock>* best = nullptr;
  BuddyBlock::Fit best_fit;
  for (auto& unit : units_) {
    const BuddyBlock::Fit fit = unit.second.Find(pages);
    if (fit.size == 0 || (best != nullptr && best_fit.size <= fit.size)) continue;
    best = &unit;
    best_fit = fit;
    if (fit.size == pages) break;
  }
  if (best == nullptr) return std::nullopt;
  best->second.Take(best_fit.first, pages);
  return Place{best->first, best_fit.first};
}

size_t PageRuns::BeginReturn(Place place) {
  const auto unit = units_.find(place.unit);
  if (unit == units_.end()) return 0;
  const size_t pages = unit->second.OutAt(place.page);
  if (pages != 0) unit->second.BeginReturn(place.page);
  return pages;
}

bool PageRuns::EndReturn(Place place, size_t pages) {
  const auto unit = units_.find(place.unit);
  unit->second.EndReturn(place.page, pages);
  if (!unit->second.whole()) return false;
  units_.erase(unit);
  return true;
}

}  // namespace mxa::slab
