// SPDX-License-Identifier: Apache-2.0
//
// What a pass does with the slabs of a store: lists, plans, marks, isolates and settles them.
#include <vector>

#include "base/bitmap.h"
#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"
#include "slab/slab_store.h"

namespace mxa::slab {

std::vector<SlabStore::Choice> SlabStore::Listed() {
  std::vector<Choice> listed;
  {
    MutexLock lock(&mutex_);
    planning_ = true;
    listed.reserve(counts_.slabs);
    for (SlabLists& lists : lists_) {
      lists.ForEach([&](Slab& slab) {
        listed.push_back({&slab, slab.live, arena_.RegionOf(&slab), arena_.NodeOf(&slab)});
      });
    }
  }
  const std::vector<uint8_t> used = arena_.UnitsUsed();
  std::vector<size_t> ours(used.size(), 0);
  for (const Choice& choice : listed) ours[choice.region] += units_;
  for (Choice& choice : listed) {
    if (ours[choice.region] == used[choice.region]) choice.region_slabs = kUnitsPerRegion / units_;
  }
  return listed;
}

void SlabStore::Plan(absl::Span<Slab* const> slabs) {
  MutexLock lock(&mutex_);
  planning_ = false;
  for (Slab* slab : slabs) {
    ListsOf(*slab).Remove(*slab);
    slab->state = SlabState::kPlanned;
    planned_.PushBack(*slab);
  }
  fewest_empty_ = std::min(fewest_empty_, EmptyCountLocked());
}

bool SlabStore::HasPlanned() {
  MutexLock lock(&mutex_);
  return !planned_.empty();
}

bool SlabStore::KeysOfPlanned(const Slab& slab, reclaim::Movable& movable, std::vector<void*>& objects,
                              std::vector<reclaim::OrderKey>& keys) {
  objects.clear();
  MutexLock lock(&mutex_);
  if (slab.owner == owner_ && slab.state == SlabState::kPlanned) CollectLocked(slab, objects);
  keys.assign(objects.size(), {});
  reclaim::CanFreeScope scope;
  return movable.Order(objects, absl::MakeSpan(keys));
}

void SlabStore::CollectLocked(const Slab& slab, std::vector<void*>& objects) const {
  for (size_t i = 0; i < slab.capacity; ++i) {
    if (!bitmap::Test(slab.free_map(), i)) objects.push_back(At(slab, i));
  }
}

bool SlabStore::TakeBackPlanned() {
  MutexLock lock(&mutex_);
  for (IntrusiveList<Slab>* list : {&planned_, &aside_}) {
    for (Slab* slab = list->back(); slab != nullptr; slab = list->back()) {
      list->Remove(*slab);
      RestLocked(*slab);
      if (slab->pool == nullptr && slab->live < slab->capacity) return true;
    }
  }
  return false;
}

void SlabStore::Unplan() {
  MutexLock lock(&mutex_);
  for (IntrusiveList<Slab>* list : {&planned_, &aside_}) {
    while (Slab* slab = list->front()) {
      list->Remove(*slab);
      RestLocked(*slab);
    }
  }
}

Slab* SlabStore::MarkNextPlanned() {
  MutexLock lock(&mutex_);
  Slab* slab = planned_.front();
  if (slab == nullptr) return nullptr;
  planned_.Remove(*slab);
  slab->state = SlabState::kMarked;
  slab->SetMarked(true);
  victims_.PushBack(*slab);
  return slab;
}

size_t SlabStore::Live(const Slab& slab) {
  MutexLock lock(&mutex_);
  return slab.live;
}

bool SlabStore::Isolate(Slab& slab, reclaim::Movable& movable, std::vector<void*>& objects) {
  objects.clear();
  objects.reserve(slab.capacity);
  MutexLock lock(&mutex_);
  slab.state = SlabState::kIsolated;
  CollectLocked(slab, objects);
  if (objects.empty()) return true;
  reclaim::CanFreeScope scope;
  if (movable.CanFree(absl::MakeSpan(objects))) return true;
  objects.clear();
  return false;
}

bool SlabStore::AskAgain(const Slab& slab, void* object, reclaim::Movable& movable, std::vector<void*>& objects) {
  objects.clear();
  MutexLock lock(&mutex_);
  if (bitmap::Test(slab.free_map(), IndexOf(slab, object))) return true;
  objects.push_back(object);
  reclaim::CanFreeScope scope;
  if (movable.CanFree(absl::MakeSpan(objects))) return true;
  objects.clear();
  return false;
}

std::vector<void*> SlabStore::Allocated(const Slab& slab) {
  std::vector<void*> objects;
  objects.reserve(slab.capacity);
  MutexLock lock(&mutex_);
  for (size_t i = 0; i < slab.capacity; ++i) {
    if (!bitmap::Test(slab.free_map(), i)) objects.push_back(At(slab, i));
  }
  return objects;
}

void SlabStore::RunDestructors(Slab& slab) {
  std::vector<uint64_t> due;
  {
    MutexLock lock(&mutex_);
    due.assign(slab.dirty_map(), slab.dirty_map() + bitmap::WordsFor(slab.capacity));
    bitmap::Reset(slab.dirty_map(), slab.capacity);
  }
  if (options_.rcu_destructor == nullptr) return;
  bitmap::ForEachSet(due.data(), slab.capacity, [&](size_t i) { options_.rcu_destructor(At(slab, i)); });
}

void SlabStore::RelistSettled(Slab& slab, bool aside) {
  // Nothing is freed undestroyed at once with this (ReturnUndestroyed), so nothing becomes due meanwhile.
  RunDestructors(slab);
  MutexLock lock(&mutex_);
  victims_.Remove(slab);
  slab.SetMarked(false);
  if (!aside) return RestLocked(slab);
  slab.state = SlabState::kPlanned;
  aside_.PushBack(slab);
}

size_t SlabStore::Settle(absl::Span<Slab* const> victims, absl::Span<void* const> moved, AfterSettling after) {
  // In pieces, so that allocations do not wait for a whole batch.
  constexpr size_t kAtOnce = 256;
  for (size_t i = 0; i < moved.size(); i += kAtOnce) Return(moved.subspan(i, kAtOnce));
  std::vector<Slab*> empty;
  std::vector<Slab*> kept;
  {
    MutexLock lock(&mutex_);
    // An empty marked slab stays empty: nothing is allocated from it.
    // A critical one is listed as what its pool is to get.
    for (Slab* slab : victims) {
      const bool release = slab->live == 0 && after != AfterSettling::kKeepEmpty && slab->pool == nullptr;
      (release ? empty : kept).push_back(slab);
    }
    for (Slab* slab : empty) slab->state = SlabState::kUnused;
  }
  const auto relist = [&] {
    for (Slab* slab : kept) RelistSettled(*slab, after == AfterSettling::kSetAside);
    kept.clear();
    MXA_SCHEDULE_POINT("settle.relisted");
  };
  if (!kept.empty() && PlantedBugIs(PlantedBug::kConstructedAfterRelisting)) relist();
  // Whoever was moved away left its old place as it was; a place that will be allocated again is constructed anew.
  for (void* object : moved) {
    if (arena_.SlabOf(object)->state == SlabState::kUnused) continue;
    if (options_.destructor != nullptr) options_.destructor(object);
    options_.constructor(object);
  }
  relist();
  for (Slab* slab : empty) RunDestructors(*slab);
  {
    MutexLock lock(&mutex_);
    for (Slab* slab : empty) {
      victims_.Remove(*slab);
      PrepareRelease(*slab);
    }
  }
  return GiveBack(empty);
}

}  // namespace mxa::slab
