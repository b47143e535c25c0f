// SPDX-License-Identifier: Apache-2.0
#include "slab/pass_batch.h"

namespace mxa::slab {

void SettleBatch(reclaim::RetireHead* head) {
  auto* batch = static_cast<PassBatch*>(head);
  batch->cache->RecycleMoved(batch->moved);
  batch->slabs_released = batch->cache->store().Settle(batch->victims, batch->moved, batch->after);
  batch->cache->ReleaseCritical();
  // A pass may move a million objects, and keeps its batches until it ends.
  std::vector<Slab*>().swap(batch->victims);
  std::vector<void*>().swap(batch->moved);
  batch->cache->batches().Leave();  // last: the pass may end and take the batch with it
}

}  // namespace mxa::slab
