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
  size_t number = 0;
  size_t slabs = 0;
  size_t live = 0;
  bool alone = false;
};

std::vector<Region> RegionsOf(const std::vector<Choice>& listed) {
  std::vector<Region> regions;
  for (const Choice& choice : listed) {
    while (regions.size() <= choice.region) regions.push_back({.number = regions.size()});
    Region& region = regions[choice.region];
    region.slabs += choice.live != 0 ? 1 : 0;
    region.live += choice.live;
    region.alone = choice.alone;
  }
  return regions;
}

// By number: whether all of a region is to go, when `spare` slabs can. Moving a slab takes up the room of one wherever it
// is, so that no fewer slabs come free for it; but full ones are the dearest to move.
std::vector<bool> WholeRegions(std::vector<Region> regions, size_t capacity, size_t spare) {
  std::vector<bool> whole(regions.size(), false);
  std::sort(regions.begin(), regions.end(), [](const Region& a, const Region& b) {
    return std::make_tuple(a.live, a.number) < std::make_tuple(b.live, b.number);
  });
  for (const Region& region : regions) {
    if (!region.alone || region.slabs > spare || 2 * region.live > region.slabs * capacity) continue;
    whole[region.number] = true;
    spare -= region.slabs;
  }
  return whole;
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
  size_t spare = room / capacity;
  const bool by_region = !has_target && options.max_occupancy == 1;
  const std::vector<bool> whole = WholeRegions(regions, capacity, by_region ? spare : 0);
  for (const Region& region : regions) spare -= whole[region.number] ? region.slabs : 0;
  for (const Choice& choice : listed) {
    if (has_target && static_cast<double>(slabs) <= needed * options.target_ratio) break;
    if (choice.live == 0) continue;  // needs no move
    if (!whole[choice.region]) {
      // Moving a full slab uses up as much room as it frees.
      if (spare == 0 || choice.live == capacity || static_cast<double>(choice.live) > most_live) continue;
      --spare;
    }
    --slabs;
    victims.push_back(choice.slab);
  }
  return victims;
}

}  // namespace mxa::slab
