// SPDX-License-Identifier: Apache-2.0
//
// When empty slabs go back to the arena, or to the pool of their subsystem.
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/planted_bug.h"
#include "slab/page_pool.h"
#include "slab/slab_store.h"

namespace mxa::slab {

size_t SlabStore::ReleaseEmpty(size_t keep) {
  std::vector<Slab*> slabs = DetachEmpty(keep);
  return GiveBackDetached(slabs);
}

std::vector<Slab*> SlabStore::DetachEmpty(size_t keep) {
  MutexLock lock(&mutex_);
  return DetachEmptyLocked(keep);
}

std::vector<Slab*> SlabStore::DetachEmptyLocked(size_t keep) {
  std::vector<Slab*> slabs;
  if (planning_) return slabs;
  while (Slab* slab = TakeEmptyLocked(keep)) slabs.push_back(slab);
  return DetachLocked(std::move(slabs));
}

std::vector<Slab*> SlabStore::DetachLocked(std::vector<Slab*> slabs) {
  for (Slab* slab : slabs) PrepareRelease(*slab);
  fewest_empty_ = std::min(fewest_empty_, EmptyCountLocked());
  if (!slabs.empty()) ++detachments_;
  return slabs;
}

size_t SlabStore::ReleaseEmptyIn(uintptr_t begin, uintptr_t end) {
  std::vector<Slab*> slabs;
  {
    MutexLock lock(&mutex_);
    for (SlabLists& lists : lists_) {
      lists.TakeEmptyIf([&](const Slab& slab)
                            ABSL_NO_THREAD_SAFETY_ANALYSIS { return !planning_ && slab.ReachesInto(begin, end); },
                        slabs);
    }
    slabs = DetachLocked(std::move(slabs));
  }
  return GiveBackDetached(slabs);
}

bool SlabStore::ReachesInto(uintptr_t begin, uintptr_t end) {
  bool any = false;
  const auto look = [&](const Slab& slab) { any = any || slab.ReachesInto(begin, end); };
  MutexLock lock(&mutex_);
  for (SlabLists& lists : lists_) lists.ForEach(look);
  for (IntrusiveList<Slab>* list : {&critical_, &planned_, &aside_, &victims_}) {
    for (Slab* slab = list->front(); slab != nullptr && !any; slab = list->next(*slab)) look(*slab);
  }
  return any;
}

size_t SlabStore::GiveBackDetached(std::vector<Slab*>& slabs) {
  if (slabs.empty()) return 0;
  const size_t count = GiveBack(slabs);
  MutexLock lock(&mutex_);
  --detachments_;
  return count;
}

std::vector<Slab*> SlabStore::DetachUnneeded(int64_t now_ms, bool& later) {
  MutexLock lock(&mutex_);
  const size_t empty = EmptyCountLocked();
  std::vector<Slab*> slabs;
  if (empty == 0 || decayed_at_ == 0) {
    decayed_at_ = empty == 0 ? 0 : now_ms;
    fewest_empty_ = empty;
  } else if (now_ms - decayed_at_ >= absl::ToInt64Milliseconds(options_.empty_slab_delay)) {
    slabs = DetachEmptyLocked(empty - std::min(empty, fewest_empty_));
    decayed_at_ = now_ms;
    fewest_empty_ = EmptyCountLocked();
  }
  later |= EmptyCountLocked() != 0 && options_.empty_slab_delay != absl::InfiniteDuration();
  return slabs;
}

size_t SlabStore::GiveBack(std::vector<Slab*>& runs) {
  for (Slab* slab : runs) Strip(*slab);
  const size_t count = runs.size();
  if (count == 0) return 0;
  if (PlantedBugIs(PlantedBug::kEmptySlabKept)) runs.pop_back();
  if (options_.pool != nullptr) options_.pool->Offer(runs);
  arena_.FreeRuns(runs);
  return count;
}

size_t SlabStore::EmptyLimitLocked() const { return std::max(2 + counts_.slabs / 32, empty_limit_); }

void SlabStore::TrimEmpty() {
  // Relaxed: see there.
  if (too_many_empty_.load(std::memory_order_relaxed)) TrimEmptyAnyhow();
}

size_t SlabStore::TrimEmptyAnyhow() {
  std::vector<Slab*> slabs;
  {
    MutexLock lock(&mutex_);
    too_many_empty_.store(false, std::memory_order_relaxed);
    const size_t limit = EmptyLimitLocked();
    // Somewhat below the limit, so that many neighbours go in one call.
    if (EmptyCountLocked() > limit) slabs = DetachEmptyLocked(limit - limit / 8);
  }
  return GiveBackDetached(slabs);
}

}  // namespace mxa::slab
