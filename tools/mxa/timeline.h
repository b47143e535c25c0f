// SPDX-License-Identifier: Apache-2.0
//
// What a run of `mxa relocate` looked like over time: memory, reads and passes, and the arena's slabs now and then.
//
// Threads: plain data.
#ifndef MXA_TOOLS_MXA_TIMELINE_H_
#define MXA_TOOLS_MXA_TIMELINE_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "slab/slab_view.h"

namespace mxa::tool {

// All seconds are since the first reader began.
struct Timeline {
  // An interval: memory at its end, reads within it.
  struct Interval {
    double begin = 0;
    double end = 0;
    uint64_t resident_bytes = 0;
    uint64_t live_bytes = 0;
    uint64_t reads = 0;
    uint64_t point_reads_timed = 0;  // how many the quantiles are of
    uint64_t p50_ns = 0;
    uint64_t p99_ns = 0;
    uint64_t p999_ns = 0;

    double reads_per_second() const { return end > begin ? static_cast<double>(reads) / (end - begin) : 0; }
  };
  struct Pass {
    double begin = 0;
    double end = 0;
    uint64_t nodes_moved = 0;
    uint64_t slabs_released = 0;
  };
  // The slabs of the nodes at one moment.
  struct Map {
    std::string name;
    double at = 0;
    std::vector<slab::SlabView> slabs;
  };

  std::vector<Interval> intervals;
  std::vector<Pass> passes;
  double compaction_begin = 0;
  double compaction_end = 0;
  std::vector<Map> maps;  // before, during, after

  double end() const { return intervals.empty() ? 0 : intervals.back().end; }
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_TIMELINE_H_
