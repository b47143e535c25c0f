// SPDX-License-Identifier: Apache-2.0
#include "slab/cache_stats.h"

#include <algorithm>

namespace mxa::slab {

void CompactStats::Add(const CompactStats& other) {
  passes += other.passes;
  batches += other.batches;
  grace_periods += other.grace_periods;
  objects_moved += other.objects_moved;
  objects_moved_across_nodes += other.objects_moved_across_nodes;
  for (size_t i = 0; i < results.size(); ++i) results[i] += other.results[i];
  slabs_refused += other.slabs_refused;
  objects_unplaced += other.objects_unplaced;
  slabs_released += other.slabs_released;
  work_ns += other.work_ns;
  move_ns += other.move_ns;
  slices += other.slices;
  slept_ns += other.slept_ns;
  longest_own_slice_ns = std::max(longest_own_slice_ns, other.longest_own_slice_ns);
  longest_slice_ns = std::max(longest_slice_ns, other.longest_slice_ns);
}

}  // namespace mxa::slab
