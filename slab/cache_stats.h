// SPDX-License-Identifier: Apache-2.0
//
// What a cache and its passes count.
#ifndef MXA_SLAB_CACHE_STATS_H_
#define MXA_SLAB_CACHE_STATS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "reclaim/movable.h"
#include "slab/counters.h"

namespace mxa::slab {

// Every object of a cache is in exactly one of these states (a snapshot; exact while the cache is at rest).
struct CacheStats {
  size_t object_size = 0;
  size_t objects_per_slab = 0;
  size_t slabs = 0;           // held from the arena
  size_t empty_slabs = 0;     // of these, without an allocated object
  size_t critical_slabs = 0;  // of these, from page pools
  size_t live = 0;            // with the user, retired and guarded ones not counted
  size_t guarded = 0;         // with the user, between guard pages rather than in a slab
  size_t cached = 0;          // free, in a sheaf of a thread or of a barn, or in quarantine
  size_t retired = 0;         // waiting for a grace period
  size_t free = 0;            // free in their slabs
  uint64_t slabs_created = 0;
  uint64_t slabs_released = 0;
  CountValues counts;

  // The fewest slabs that could hold the live objects.
  size_t slabs_needed() const { return objects_per_slab == 0 ? 0 : (live + objects_per_slab - 1) / objects_per_slab; }
};

// What one or more passes did; sums but for the longest times.
struct CompactStats {
  uint64_t passes = 0;
  uint64_t batches = 0;
  uint64_t grace_periods = 0;  // one a batch
  uint64_t objects_moved = 0;
  uint64_t objects_moved_across_nodes = 0;  // of these
  // By MoveResult; [kMoved] equals objects_moved. Objects that CanFree kept back count as kBusy.
  std::array<uint64_t, reclaim::kMoveResults> results{};
  uint64_t slabs_refused = 0;         // CanFree answered no
  uint64_t objects_unplaced = 0;      // stayed for want of free places to move to
  uint64_t slabs_released = 0;        // given back to the arena
  uint64_t work_ns = 0;               // choosing, draining, moving and releasing; not waiting
  uint64_t move_ns = 0;               // of this, inside Reclaim
  uint64_t slices = 0;                // work between two chances for others to run, what is waited in between left out
  uint64_t longest_slice_ns = 0;      // preemptions included
  uint64_t longest_own_slice_ns = 0;  // of those that the system did not interrupt
  uint64_t slept_ns = 0;              // for CompactOptions::duty_percent

  uint64_t skipped() const {
    uint64_t sum = 0;
    for (size_t i = 1; i < results.size(); ++i) sum += results[i];
    return sum;
  }
  void Add(const CompactStats& other);
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_CACHE_STATS_H_
