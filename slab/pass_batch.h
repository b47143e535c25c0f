// SPDX-License-Identifier: Apache-2.0
//
// One batch of a pass: the slabs it empties, and what is left to be done with them behind its grace period.
//
// Threads: the pass's, until the batch is retired, if it is; then that of whoever settles it, until it leaves the gate
// (batch_gate.h).
#ifndef MXA_SLAB_PASS_BATCH_H_
#define MXA_SLAB_PASS_BATCH_H_

#include <cstddef>
#include <vector>

#include "reclaim/retire.h"
#include "slab/cache_core.h"
#include "slab/slab_store.h"

namespace mxa::slab {

struct PassBatch : reclaim::RetireHead {
  CacheCore* cache = nullptr;
  int to_node = 0;  // of all its victims' objects
  std::vector<Slab*> victims;
  std::vector<void*> moved;  // their old places
  SlabStore::AfterSettling after = SlabStore::AfterSettling::kReleaseEmpty;
  size_t slabs_released = 0;
};

// Frees the old places and gives back the slabs that are empty then. For reclaim::Retire, behind the last move of the batch;
// or in the retiring thread's turn, behind a grace period begun after it.
void SettleBatch(reclaim::RetireHead* head);

}  // namespace mxa::slab

#endif  // MXA_SLAB_PASS_BATCH_H_
