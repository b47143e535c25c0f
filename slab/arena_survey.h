// SPDX-License-Identifier: Apache-2.0
//
// What lies where in an arena: its regions, and the slabs of all its caches.
//
// Threads: plain data, put together from one moment of each part; nothing holds still meanwhile.
#ifndef MXA_SLAB_ARENA_SURVEY_H_
#define MXA_SLAB_ARENA_SURVEY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "slab/arena.h"
#include "slab/unit_block.h"

namespace mxa::slab {

struct ArenaSurvey {
  struct CacheUse {
    std::string name;
    size_t capacity = 0;  // of a slab
    size_t units = 0;     // of a slab
    size_t free = 0;      // places free in its slabs
  };
  struct SlabUse {
    size_t first_unit = 0;
    size_t units = 0;
    size_t live = 0;
    size_t live_bytes = 0;
    size_t cache = 0;  // its place in `caches`
    size_t end() const { return first_unit + units; }
  };

  std::vector<Arena::RegionUse> regions;
  std::vector<CacheUse> caches;
  std::vector<SlabUse> slabs;  // in the order of their addresses
  size_t units_reserved = 0;

  // The first slab that ends behind `unit`.
  std::vector<SlabUse>::const_iterator SlabFrom(size_t unit) const;
  // The slab that `unit` is part of; null when it is no cache's.
  const SlabUse* SlabAt(size_t unit) const;
};

// Context: takes the thread registry's lock, and inside it each cache's lists' lock for some nanoseconds a slab.
ArenaSurvey Survey(const Arena& arena);

}  // namespace mxa::slab

#endif  // MXA_SLAB_ARENA_SURVEY_H_
