// SPDX-License-Identifier: Apache-2.0
#include "slab/destinations.h"

#include <algorithm>

#include "absl/types/span.h"
#include "slab/take_back.h"

namespace mxa::slab {
namespace {

size_t NewSlabsFor(const PassBatch& batch, CompactOptions::Mode mode) {
  if (mode != CompactOptions::Mode::kPack) return batch.victims.size();
  return static_cast<size_t>(std::count_if(batch.victims.begin(), batch.victims.end(),
                                           [](const Slab* slab) { return slab->pool != nullptr; }));
}

// An allocation that found no memory may have taken victims back, whose free places lie in the range that is to empty: out
// with them. Returns how many of `places` stay, at the front.
size_t SetAside(const Arena& arena, const CompactOptions& options, absl::Span<void*> places,
                std::vector<void*>& aside) {
  const auto kept = std::stable_partition(places.begin(), places.end(), [&](const void* place) {
    return !arena.SlabOf(place)->ReachesInto(options.range_begin, options.range_end);
  });
  aside.insert(aside.end(), kept, places.end());
  return static_cast<size_t>(kept - places.begin());
}

}  // namespace

std::vector<void*> TakeDestinations(CacheCore& cache, const CompactOptions& options, const PassBatch& batch,
                                    size_t count) {
  std::vector<void*> destinations(count);
  size_t reserved = 0;
  size_t new_slabs = NewSlabsFor(batch, options.mode);
  std::vector<void*> aside;
  for (;;) {
    const absl::Span<void*> wanted = absl::MakeSpan(destinations).subspan(reserved);
    size_t taken = cache.store().Take(wanted, batch.to_node, /*strict=*/true);
    const bool all = taken == wanted.size();
    if (options.mode == CompactOptions::Mode::kEvacuate) {
      taken = SetAside(cache.arena(), options, wanted.first(taken), aside);
    }
    reserved += taken;
    if (reserved == count) break;
    if (all) continue;  // some of it was set aside: there may be more
    if (new_slabs == 0) break;
    // A pass may run destructors: it runs its own cache's.
    if (!AddSlabTakingBack(cache, batch.to_node)) break;
    --new_slabs;
  }
  cache.store().Return(aside);
  destinations.resize(reserved);
  cache.ReserveDestinations(destinations);
  return destinations;
}

}  // namespace mxa::slab
