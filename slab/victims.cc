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

std::vector<Slab*> ChooseVictims(std::vector<SlabStore::Choice> listed, size_t capacity,
                                 const CompactOptions& options) {
  size_t regions = 0;
  size_t room = 0;
  size_t live = 0;
  size_t slabs = 0;  // that hold an object, and stay so far
  for (const SlabStore::Choice& choice : listed) {
    regions = std::max(regions, choice.region + 1);
    live += choice.live;
    if (choice.live != 0) {
      room += capacity - choice.live;  // filling an empty slab gains nothing
      ++slabs;
    }
  }
  std::vector<size_t> live_in_region(regions, 0);
  for (const SlabStore::Choice& choice : listed) live_in_region[choice.region] += choice.live;
  const bool has_target = options.target_ratio > 1;
  const auto rank = [&](const SlabStore::Choice& choice) {
    const size_t eighths = has_target ? choice.live * 8 / capacity : 0;
    return std::make_tuple(eighths, live_in_region[choice.region], choice.region, choice.live, choice.slab);
  };
  std::sort(listed.begin(), listed.end(),
            [&](const SlabStore::Choice& a, const SlabStore::Choice& b) { return rank(a) < rank(b); });

  std::vector<Slab*> victims;
  if (options.mode != CompactOptions::Mode::kPack) {
    for (const SlabStore::Choice& choice : listed) {
      if (choice.live != 0) victims.push_back(choice.slab);
    }
    return victims;
  }
  const double needed = static_cast<double>((live + capacity - 1) / capacity);
  const double most_live = static_cast<double>(capacity) * options.max_occupancy;
  size_t to_move = 0;
  for (const SlabStore::Choice& choice : listed) {
    if (has_target && static_cast<double>(slabs) <= needed * options.target_ratio) break;
    // Moving a full slab uses up as much room as it frees; an empty one needs no move.
    if (choice.live == capacity || choice.live == 0 || static_cast<double>(choice.live) > most_live) continue;
    const size_t room_without = room - (capacity - choice.live);
    if (to_move + choice.live > room_without) continue;
    room = room_without;
    to_move += choice.live;
    --slabs;
    victims.push_back(choice.slab);
  }
  return victims;
}

}  // namespace mxa::slab
