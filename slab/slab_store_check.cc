// SPDX-License-Identifier: Apache-2.0
//
// The counts of a store, and whether they and its slabs agree (cache.h, S1 to S3, S6; slab.h, L1 to L3).
#include "absl/strings/str_format.h"
#include "base/bitmap.h"
#include "slab/cache_hooks.h"
#include "slab/slab_store.h"

namespace mxa::slab {

SlabStore::Counts SlabStore::GetCounts() {
  MutexLock lock(&mutex_);
  Counts counts = counts_;
  counts.empty = EmptyCountLocked();
  return counts;
}

SlabStore::NodeCounts SlabStore::GetNodeCounts(int node) {
  MutexLock lock(&mutex_);
  return node_counts_[static_cast<size_t>(node)];
}

bool SlabStore::IsFree(const void* object) {
  MutexLock lock(&mutex_);
  const Slab& slab = *arena_.SlabOf(object);
  return bitmap::Test(slab.free_map(), IndexOf(slab, object));
}

bool SlabStore::AtRest() {
  MutexLock lock(&mutex_);
  return planned_.empty() && aside_.empty() && victims_.empty() && emptied_.empty() && !planning_;
}

absl::Status SlabStore::CheckSlab(const Slab& slab) const {
  const size_t free = bitmap::Count(slab.free_map(), slab.capacity);
  if (slab.live + free != slab.capacity) {
    return absl::InternalError(absl::StrFormat("S1: slab %p of %s counts %d live and has %d of %d free", slab.objects,
                                               options_.name, slab.live, free, slab.capacity));
  }
  for (size_t i = 0; i < slab.capacity; ++i) {
    if (bitmap::Test(slab.dirty_map(), i) && !bitmap::Test(slab.free_map(), i)) {
      return absl::InternalError(
          absl::StrFormat("L2: object %d of slab %p of %s is dirty and not free", i, slab.objects, options_.name));
    }
  }
  for (size_t i = 0; hooks_ != nullptr && hooks_->debug != nullptr && i < slab.capacity; ++i) {
    if (absl::Status status = hooks_->debug->Check(At(slab, i)); !status.ok()) return status;
  }
  const bool should_be_marked = slab.state == SlabState::kMarked || slab.state == SlabState::kIsolated;
  if (slab.marked() != should_be_marked) {
    return absl::InternalError(absl::StrFormat("L3: slab %p of %s is %s and its mark says otherwise", slab.objects,
                                               options_.name, SlabStateName(slab.state)));
  }
  return absl::OkStatus();
}

absl::Status SlabStore::CheckInvariants() {
  MutexLock lock(&mutex_);
  size_t slabs = 0;
  size_t allocated = 0;
  std::vector<NodeCounts> on_node(node_counts_.size());
  absl::Status status;
  auto check = [&](Slab& slab, bool listed) {
    mutex_.AssertHeld();  // for the lock analysis, which does not look out of a lambda
    ++slabs;
    allocated += slab.live;
    ++on_node[NodeOf(slab)].slabs;
    on_node[NodeOf(slab)].allocated += slab.live;
    status.Update(CheckSlab(slab));
    if (listed && (slab.state != SlabState::kListed || !ListsOf(slab).OnItsList(slab))) {
      status.Update(
          absl::InternalError(absl::StrFormat("S2: slab %p of %s is on the wrong list", slab.objects, options_.name)));
    }
  };
  for (SlabLists& lists : lists_) {
    lists.ForEach([&](Slab& slab) { check(slab, true); });
  }
  for (IntrusiveList<Slab>* list : {&critical_, &emptied_}) {
    for (Slab* slab = list->front(); slab != nullptr; slab = list->next(*slab)) {
      check(*slab, false);
      if (slab->state != SlabState::kCritical || slab->pool == nullptr || (list == &emptied_ && slab->live != 0)) {
        status.Update(absl::InternalError(
            absl::StrFormat("S2: slab %p of %s is among the critical ones", slab->objects, options_.name)));
      }
    }
  }
  for (Slab* slab = planned_.front(); slab != nullptr; slab = planned_.next(*slab)) check(*slab, false);
  for (Slab* slab = aside_.front(); slab != nullptr; slab = aside_.next(*slab)) check(*slab, false);
  for (Slab* slab = victims_.front(); slab != nullptr; slab = victims_.next(*slab)) check(*slab, false);
  if (status.ok() && (slabs != counts_.slabs || allocated != counts_.allocated)) {
    return absl::InternalError(
        absl::StrFormat("S3: %s counts %d slabs and %d allocated objects, its lists hold %d and %d", options_.name,
                        counts_.slabs, counts_.allocated, slabs, allocated));
  }
  for (size_t node = 0; status.ok() && node < on_node.size(); ++node) {
    if (on_node[node].slabs != node_counts_[node].slabs || on_node[node].allocated != node_counts_[node].allocated) {
      return absl::InternalError(absl::StrFormat(
          "S3: on node %d %s counts %d slabs and %d allocated objects, its lists hold %d and %d", node, options_.name,
          node_counts_[node].slabs, node_counts_[node].allocated, on_node[node].slabs, on_node[node].allocated));
    }
  }
  return status;
}

}  // namespace mxa::slab
