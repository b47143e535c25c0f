// SPDX-License-Identifier: Apache-2.0
//
// Runs pass after pass over the node cache: until it is packed, and on if nodes are to keep moving.
//
// Threads: one at a time.
#ifndef MXA_TOOLS_MXA_COMPACTION_H_
#define MXA_TOOLS_MXA_COMPACTION_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "slab/cache_stats.h"
#include "slab/compact_options.h"
#include "xarray/node_cache.h"

namespace mxa::tool {

class Compaction {
 public:
  struct Pass {
    uint64_t begun_ns = 0;
    uint64_t ended_ns = 0;
    uint64_t nodes_moved = 0;
    uint64_t slabs_released = 0;
  };

  explicit Compaction(xarray::NodeCache& nodes) : nodes_(nodes) { nodes_.mover().ResetLongestLock(); }

  // Packs until a pass gives nothing back any more.
  // Errors: what a pass says. Context: waits for grace periods.
  absl::Status Pack();

  // Moves every node again and again, packing in between, until `deadline_ns` (NowNs).
  absl::Status MoveUntil(uint64_t deadline_ns);

  // Moves every node to where a walk meets it next.
  // Errors: as Pack; kResourceExhausted without memory for all nodes once more.
  absl::Status PutInOrder();

  const slab::CompactStats& stats() const { return stats_; }
  const std::vector<Pass>& passes() const { return passes_; }
  uint64_t wall_ns() const { return wall_ns_; }  // in passes, waiting included
  uint64_t longest_lock_ns() const { return nodes_.mover().LongestLockNs(); }

 private:
  absl::Status OnePass(slab::CompactOptions::Mode mode, slab::CompactStats* pass);

  xarray::NodeCache& nodes_;
  slab::CompactStats stats_;
  std::vector<Pass> passes_;
  uint64_t wall_ns_ = 0;
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_COMPACTION_H_
