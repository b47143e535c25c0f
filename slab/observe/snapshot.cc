// SPDX-License-Identifier: Apache-2.0
#include "slab/observe/snapshot.h"

#include <unistd.h>

#include <map>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "slab/cache_registry.h"
#include "slab/observe/names.h"

namespace mxa::slab::observe {
namespace {

ArenaSnapshot Look(const Arena& arena) {
  ArenaSnapshot snapshot;
  snapshot.reserved_bytes = arena.reserved_bytes();
  snapshot.regions_held = arena.regions_held();
  snapshot.units_held = arena.units_held();
  const ArenaResidency residency = arena.Residency();
  snapshot.object_bytes = residency.object_bytes;
  snapshot.descriptor_bytes = residency.descriptor_bytes;
  snapshot.units_used = arena.UnitsUsed();
  return snapshot;
}

CacheSnapshot Look(const Cache& cache) {
  CacheSnapshot snapshot;
  snapshot.name = Utf8Name(cache.name());
  snapshot.shape = cache.Shape();
  snapshot.slab_bytes = snapshot.shape.units_per_slab * kUnitSize;
  snapshot.stats = cache.Stats();
  snapshot.moves = cache.TotalCompactStats();
  const std::vector<SlabView> slabs = cache.Slabs();
  for (const SlabView& slab : slabs) ++snapshot.occupancy[OccupancyStep(slab.live, slab.capacity)];
  snapshot.map = MapOf(slabs, cache.arena().UnitsUsed());
  return snapshot;
}

char UnitOf(const SlabView& slab) {
  if (slab.state != SlabState::kListed) return RegionMap::kInPass;
  const size_t step = OccupancyStep(slab.live, slab.capacity);
  if (step == 0) return RegionMap::kEmpty;
  if (step == kOccupancySteps - 1) return RegionMap::kFull;
  return static_cast<char>('0' + (step - 1));
}

}  // namespace

size_t OccupancyStep(size_t live, size_t capacity) {
  if (live == 0) return 0;
  return 1 + live * 10 / capacity;  // full: the last
}

std::vector<RegionMap> MapOf(const std::vector<SlabView>& slabs, const std::vector<uint8_t>& units_used) {
  std::map<size_t, RegionMap> regions;
  for (const SlabView& slab : slabs) {
    const auto [place, added] = regions.try_emplace(slab.region);
    RegionMap& map = place->second;
    if (added) {
      map.region = slab.region;
      map.units_used = slab.region < units_used.size() ? units_used[slab.region] : 0;
      map.units.assign(kUnitsPerRegion, RegionMap::kNotOurs);
    }
    map.units.replace(slab.first_unit, slab.units, slab.units, RegionMap::kSameSlab);
    map.units[slab.first_unit] = UnitOf(slab);
  }
  std::vector<RegionMap> maps;
  maps.reserve(regions.size());
  for (auto& [region, map] : regions) maps.push_back(std::move(map));
  return maps;
}

Snapshot TakeSnapshot() {
  Snapshot snapshot;
  snapshot.pid = static_cast<uint64_t>(getpid());
  snapshot.unix_seconds = static_cast<uint64_t>(absl::ToUnixSeconds(absl::Now()));
  snapshot.page_size = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  std::map<const Arena*, size_t> arenas;
  ForEachCache([&](Cache& cache) {
    // Here, not afterwards: an arena need only live as long as its caches.
    const auto [place, added] = arenas.try_emplace(&cache.arena(), arenas.size());
    if (added) snapshot.arenas.push_back(Look(cache.arena()));
    snapshot.caches.push_back(Look(cache));
    snapshot.caches.back().arena = place->second;
  });
  return snapshot;
}

}  // namespace mxa::slab::observe
