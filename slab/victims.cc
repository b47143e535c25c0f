// SPDX-License-Identifier: Apache-2.0
#include "slab/victims.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace mxa::slab {

absl::Status CheckLimits(const CompactOptions& options) {
  if (options.duty_percent < 1 || options.duty_percent > 100) {
    return absl::InvalidArgumentError(
        absl::StrCat("duty_percent is ", options.duty_percent, ", and goes from 1 to 100"));
  }
  if (!(options.max_occupancy > 0 && options.max_occupancy <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_occupancy is ", options.max_occupancy, ", and is above 0 and at most 1"));
  }
  if (!(options.target_ratio >= 1)) {
    return absl::InvalidArgumentError(absl::StrCat("target_ratio is ", options.target_ratio, ", and is at least 1"));
  }
  return absl::OkStatus();
}

namespace {

using Choice = SlabStore::Choice;

// What `listed` has in one region, empty slabs left out.
struct Region {
  size_t slabs = 0;
  size_t live = 0;
  size_t fit = 0;  // Choice::region_slabs
};

std::vector<Region> RegionsOf(const std::vector<Choice>& listed) {
  std::vector<Region> regions;
  for (const Choice& choice : listed) {
    if (regions.size() <= choice.region) regions.resize(choice.region + 1);
    Region& region = regions[choice.region];
    region.slabs += choice.live != 0 ? 1 : 0;
    region.live += choice.live;
    region.fit = choice.region_slabs;
  }
  return regions;
}

// Whether all of a region is to go, full slabs too, when `spare` slabs can. Moving a slab takes up the room of one wherever it
// is, so that no fewer slabs come free for it; but full ones are the dearest to move.
bool GoesWhole(const Region& region, size_t capacity, size_t spare) {
  return region.slabs <= spare && 2 * region.live <= region.fit * capacity;
}

}  // namespace

std::vector<Slab*> ChooseVictims(std::vector<Choice> listed, size_t capacity, const CompactOptions& options) {
  const std::vector<Region> regions = RegionsOf(listed);
  size_t room = 0;
  size_t live = 0;
  size_t slabs = 0;  // that hold an object, and stay so far
  for (const Region& region : regions) {
    live += region.live;
    slabs += region.slabs;
    room += region.slabs * capacity - region.live;  // filling an empty slab gains nothing
  }
  const bool has_target = options.target_ratio > 1;
  const auto rank = [&](const Choice& choice) {
    const size_t eighths = has_target ? choice.live * 8 / capacity : 0;
    return std::make_tuple(eighths, regions[choice.region].live, choice.region, choice.live, choice.slab);
  };
  std::sort(listed.begin(), listed.end(), [&](const Choice& a, const Choice& b) { return rank(a) < rank(b); });

  std::vector<Slab*> victims;
  if (options.mode != CompactOptions::Mode::kPack) {
    for (const Choice& choice : listed) {
      if (choice.live != 0) victims.push_back(choice.slab);
    }
    return victims;
  }
  const double needed = static_cast<double>((live + capacity - 1) / capacity);
  const double most_live = static_cast<double>(capacity) * options.max_occupancy;
  const bool by_region = !has_target && options.max_occupancy == 1;
  size_t spare = room / capacity;
  const Region* region = nullptr;
  bool whole = false;
  for (const Choice& choice : listed) {
    if (has_target && static_cast<double>(slabs) <= needed * options.target_ratio) break;
    if (region != &regions[choice.region]) {
      region = &regions[choice.region];
      whole = by_region && GoesWhole(*region, capacity, spare);
    }
    // Moving a full slab uses up as much room as it frees; an empty one needs no move.
    if (choice.live == 0 || (choice.live == capacity && !whole)) continue;
    if (spare == 0 || static_cast<double>(choice.live) > most_live) continue;
    --spare;
    --slabs;
    victims.push_back(choice.slab);
  }
  return victims;
}

}  // namespace mxa::slab
