// SPDX-License-Identifier: Apache-2.0
#include "bench/support/dense_array.h"

#include <utility>

#include "base/check.h"

namespace mxa::bench {

NodeHome::NodeHome(bool huge_pages) {
  auto made_arena = slab::Arena::Create(
      {.huge_pages = huge_pages ? slab::ArenaOptions::HugePages::kAtOnce : slab::ArenaOptions::HugePages::kNever});
  MXA_CHECK(made_arena.ok(), "no addresses for an arena");
  arena = *std::move(made_arena);
  auto made_nodes = xarray::NodeCache::Create(arena.get());
  MXA_CHECK(made_nodes.ok(), "no node cache");
  nodes = *std::move(made_nodes);
}

DenseArray::DenseArray(unsigned bits, bool huge_pages) : bits_(bits), home_(huge_pages) {
  core_ = std::make_unique<xarray::ArrayCore>(*home_.nodes);
  for (uint64_t index = 0; index < size(); ++index) MXA_CHECK(core_->Store(index, EntryFor(index)).ok(), "no memory");
}

}  // namespace mxa::bench
