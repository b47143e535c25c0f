// SPDX-License-Identifier: Apache-2.0
//
// One pass over a movable cache: empties sparse slabs by moving what is live in them, and gives their pages back.
//
// In batches: mark victims, drain, reserve destinations; per slab freeze and ask (CanFree), then move (Reclaim); then
// free the old places and the emptied slabs after one grace period begun after the last move. The pass waits for that itself
// or hands the batch to the reclaimer (pass_waits.h). Then batches overlap their grace periods, two at most, so that a pass
// needs no more memory than two batches.
// Threads: one pass a cache at a time (the pass lock, only ever tried).
#ifndef MXA_SLAB_COMPACTOR_H_
#define MXA_SLAB_COMPACTOR_H_

#include <atomic>
#include <vector>

#include "absl/status/statusor.h"
#include "reclaim/movable.h"
#include "slab/cache_core.h"
#include "slab/cache_stats.h"
#include "slab/compact_options.h"

namespace mxa::slab {

// What an evacuation tells while it runs, and what it could not move.
struct EvacuationLog {
  struct Stuck {
    const void* address = nullptr;  // of the object; of the slab's first one when CanFree refused the slab
    bool refused = false;
    bool kept_back = false;  // by CanFree
    reclaim::MoveResult result = reclaim::MoveResult::kBusy;
  };
  // The first few a slab, each asked once more by itself; for whoever started the pass, when it has ended.
  std::vector<Stuck> stuck;
  // The pass waits for a grace period. Relaxed: for a report.
  std::atomic<bool> waiting{false};
};

// See Cache::Compact. `log`, which may be null, is for kEvacuate.
absl::StatusOr<CompactStats> RunPass(CacheCore& cache, const CompactOptions& options, EvacuationLog* log = nullptr);

}  // namespace mxa::slab

#endif  // MXA_SLAB_COMPACTOR_H_
