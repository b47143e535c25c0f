// SPDX-License-Identifier: Apache-2.0
//
// The figures of all caches of the process at one moment, as plain data.
//
// Threads: TakeSnapshot from any thread; the data are the caller's.
// Figures of a cache in use are each right by themselves; together they may be some objects apart. At rest they are
// exact: live + cached + retired + free = objects().
#ifndef MXA_SLAB_OBSERVE_SNAPSHOT_H_
#define MXA_SLAB_OBSERVE_SNAPSHOT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "slab/cache_stats.h"
#include "slab/slab_view.h"

namespace mxa::slab::observe {

// Slabs by the share of their objects that is allocated: empty, ten steps in between, full.
inline constexpr size_t kOccupancySteps = 12;

// The part of one region that belongs to one cache, a character a unit: where a slab begins, its occupancy.
struct RegionMap {
  // What a unit can be; ten more are the digits, tenths allocated.
  static constexpr char kEmpty = '_';
  static constexpr char kFull = '#';
  static constexpr char kInPass = '*';    // planned, marked or isolated
  static constexpr char kSameSlab = '-';  // goes on with the slab before
  static constexpr char kNotOurs = '.';   // free, or another cache's

  size_t region = 0;
  size_t units_used = 0;  // by all caches
  std::string units;
};

struct CacheSnapshot {
  std::string name;  // UTF-8
  CacheShape shape;
  size_t slab_bytes = 0;
  size_t arena = 0;  // index into Snapshot::arenas
  CacheStats stats;
  CompactStats moves;                                 // of all passes so far
  std::array<uint64_t, kOccupancySteps> occupancy{};  // slabs: [0] empty, [1 + tenth] partial, [11] full
  std::vector<RegionMap> map;                         // by region

  size_t objects() const { return stats.slabs * stats.objects_per_slab; }
  // In use: cached objects are free ones that lie ready, and do not count.
  size_t active() const { return stats.live + stats.retired; }
};

// Sizes in bytes.
struct ArenaSnapshot {
  uint64_t reserved_bytes = 0;
  uint64_t regions_held = 0;
  uint64_t units_held = 0;
  uint64_t object_bytes = 0;        // resident, as the kernel tells
  uint64_t descriptor_bytes = 0;    // the same, of the side table
  std::vector<uint8_t> units_used;  // by region
};

struct Snapshot {
  uint64_t pid = 0;
  uint64_t unix_seconds = 0;
  uint64_t page_size = 0;
  std::vector<ArenaSnapshot> arenas;
  std::vector<CacheSnapshot> caches;  // in the order of their creation
};

// Context: as ForEachCache (cache_registry.h); takes each cache's locks in turn, and makes a system call a region.
Snapshot TakeSnapshot();

// Which step of CacheSnapshot::occupancy a slab is counted in.
size_t OccupancyStep(size_t live, size_t capacity);

// The map of one cache's slabs. `units_used` are the arena's, by region.
std::vector<RegionMap> MapOf(const std::vector<SlabView>& slabs, const std::vector<uint8_t>& units_used);

}  // namespace mxa::slab::observe

#endif  // MXA_SLAB_OBSERVE_SNAPSHOT_H_
