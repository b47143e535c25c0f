// SPDX-License-Identifier: Apache-2.0
//
// A snapshot made by hand, each of its figures different from the others, for golden texts.
#ifndef MXA_TESTS_SLAB_OBSERVE_HAND_MADE_H_
#define MXA_TESTS_SLAB_OBSERVE_HAND_MADE_H_

#include "slab/observe/snapshot.h"

namespace mxa::slab::observe {

inline CacheSnapshot HandMadeCache() {
  CacheSnapshot cache;
  cache.name = "dentry";
  cache.shape = {.object_size = 189, .stride = 192, .objects_per_slab = 341, .units_per_slab = 1, .movable = true};
  cache.slab_bytes = 65536;
  cache.stats.object_size = 189;
  cache.stats.objects_per_slab = 341;
  cache.stats.slabs = 3;
  cache.stats.empty_slabs = 1;
  cache.stats.live = 400;
  cache.stats.cached = 50;
  cache.stats.retired = 7;
  cache.stats.free = 566;
  cache.stats.slabs_created = 9;
  cache.stats.slabs_released = 6;
  for (size_t i = 0; i < cache.stats.counts.values.size(); ++i) cache.stats.counts.values[i] = 1000 + i;
  cache.moves.passes = 2;
  cache.moves.batches = 4;
  cache.moves.grace_periods = 5;
  cache.moves.objects_moved = 11;
  cache.moves.results = {11, 12, 13, 14};
  cache.moves.slabs_refused = 15;
  cache.moves.slabs_released = 16;
  cache.moves.work_ns = 3'000'000'017;
  cache.moves.move_ns = 18;
  cache.moves.objects_unplaced = 19;
  cache.moves.slept_ns = 2'000'000'000;
  cache.moves.slices = 20;
  cache.moves.longest_slice_ns = 1'900'000;
  cache.moves.longest_own_slice_ns = 1'800'000;
  cache.occupancy[0] = 1;
  cache.occupancy[4] = 1;
  cache.occupancy[11] = 1;
  cache.map = {{.region = 0, .units_used = 4, .units = "_.3....#........................"}};
  return cache;
}

inline Snapshot HandMadeSnapshot() {
  Snapshot snapshot;
  snapshot.pid = 42;
  snapshot.unix_seconds = 1'700'000'000;
  snapshot.page_size = 4096;
  snapshot.arenas = {{.reserved_bytes = 1 << 30,
                      .regions_held = 1,
                      .units_held = 4,
                      .object_bytes = 200'704,
                      .descriptor_bytes = 4096,
                      .units_used = {4, 0}}};
  snapshot.caches = {HandMadeCache()};
  return snapshot;
}

}  // namespace mxa::slab::observe

#endif  // MXA_TESTS_SLAB_OBSERVE_HAND_MADE_H_
