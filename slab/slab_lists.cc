// SPDX-License-Identifier: Apache-2.0
#include "slab/slab_lists.h"

namespace mxa::slab {

size_t SlabLists::ListOf(const Slab& slab) {
  if (slab.live == 0) return kEmpty;
  if (slab.live == slab.capacity) return kFull;
  return 1 + uint32_t{slab.live} * static_cast<uint32_t>(kBands) / slab.capacity;
}

void SlabLists::Insert(Slab& slab) {
  slab.state = SlabState::kListed;
  lists_[ListOf(slab)].PushBack(slab);
}

void SlabLists::Remove(Slab& slab) { lists_[ListOf(slab)].Remove(slab); }

void SlabLists::SetLive(Slab& slab, uint16_t live) {
  const size_t before = ListOf(slab);
  slab.live = live;
  const size_t after = ListOf(slab);
  if (before == after) return;
  lists_[before].Remove(slab);
  lists_[after].PushFront(slab);
}

Slab* SlabLists::Fullest() {
  for (size_t i = kFull; i-- > 0;) {
    if (Slab* slab = lists_[i].front()) return slab;
  }
  return nullptr;
}

Slab* SlabLists::TakeEmpty(size_t keep) {
  if (lists_[kEmpty].size() <= keep) return nullptr;
  Slab* slab = lists_[kEmpty].back();
  lists_[kEmpty].Remove(*slab);
  return slab;
}

}  // namespace mxa::slab
