// SPDX-License-Identifier: Apache-2.0
#include "slab/victims.h"

#include <algorithm>
#include <tuple>

namespace mxa::slab {

std::vector<Slab*> ChooseVictims(std::vector<SlabStore::Choice> listed, size_t capacity, CompactOptions::Mode mode) {
  size_t regions = 0;
  size_t room = 0;
  for (const SlabStore::Choice& choice : listed) {
    regions = std::max(regions, choice.region + 1);
    if (choice.live != 0) room += capacity - choice.live;  // filling an empty slab gains nothing
  }
  std::vector<size_t> live_in_region(regions, 0);
  for (const SlabStore::Choice& choice : listed) live_in_region[choice.region] += choice.live;
  std::sort(listed.begin(), listed.end(), [&](const SlabStore::Choice& a, const SlabStore::Choice& b) {
    return std::make_tuple(live_in_region[a.region], a.region, a.live, a.slab) <
           std::make_tuple(live_in_region[b.region], b.region, b.live, b.slab);
  });

  std::vector<Slab*> victims;
  if (mode == CompactOptions::Mode::kMoveEverything) {
    for (const SlabStore::Choice& choice : listed) {
      if (choice.live != 0) victims.push_back(choice.slab);
    }
    return victims;
  }
  size_t to_move = 0;
  for (const SlabStore::Choice& choice : listed) {
    // Moving a full slab uses up as much room as it frees; an empty one needs no move.
    if (choice.live == capacity || choice.live == 0) continue;
    const size_t room_without = room - (capacity - choice.live);
    if (to_move + choice.live > room_without) continue;
    room = room_without;
    to_move += choice.live;
    victims.push_back(choice.slab);
  }
  return victims;
}

}  // namespace mxa::slab
