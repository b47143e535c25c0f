// SPDX-License-Identifier: Apache-2.0
#include "slab/slab_store.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/bitmap.h"
#include "base/check.h"
#include "base/planted_bug.h"
#include "slab/cache_hooks.h"
#include "slab/notifier.h"

namespace mxa::slab {
namespace {

__extension__ using uint128 = unsigned __int128;

// Large objects get slabs of several units, so that at least this many share one; fewer only where what debug options add
// makes them larger than a cache's largest, and a region too small.
constexpr size_t kMinObjects = 8;

}  // namespace

SlabStore::SlabStore(CacheCore* owner, const CacheOptions& options, Arena& arena, CacheHooks* hooks)
    : owner_(owner),
      options_(options),
      arena_(arena),
      hooks_(hooks),
      lists_(arena.topology().nodes()),
      node_counts_(arena.topology().nodes()) {
  stride_ = (options.object_size + options.alignment - 1) & ~(options.alignment - 1);
  if (hooks_ != nullptr && hooks_->debug != nullptr) {
    prefix_ = hooks_->debug->layout().prefix;
    stride_ = hooks_->debug->layout().stride;
  }
  while (units_ < kUnitsPerRegion && units_ * kUnitSize / stride_ < kMinObjects) units_ *= 2;
  capacity_ = units_ * kUnitSize / stride_;
  inverse_stride_ = ~uint64_t{0} / stride_ + 1;
  if (options.empty_slab_delay > absl::ZeroDuration()) empty_limit_ = options.empty_slab_bytes / (units_ * kUnitSize);
}

SlabStore::~SlabStore() {
  Unplan();
  ReleaseEmpty(0);
  MutexLock lock(&mutex_);
  const auto all_given_back = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return detachments_ == 0; };
  mutex_.Await(absl::Condition(&all_given_back));
  if (counts_.slabs == 0) return;
  std::string leaked;
  const auto name_leaks = [&](const Slab& slab) {
    for (size_t i = 0; i < slab.capacity && leaked.size() < 100; ++i) {
      if (bitmap::Test(slab.free_map(), i)) continue;
      absl::StrAppendFormat(&leaked, " %p", At(slab, i));
      if (hooks_ != nullptr && hooks_->debug != nullptr)
        leaked += hooks_->debug->AllocationTrace(At(slab, i)).Describe("allocated");
    }
  };
  for (SlabLists& lists : lists_) lists.ForEach(name_leaks);
  for (Slab* slab = critical_.front(); slab != nullptr; slab = critical_.next(*slab)) name_leaks(*slab);
  const std::string line = absl::StrFormat("cache %s destroyed with %d objects not freed, among them%s", options_.name,
                                           counts_.allocated, leaked);
  MXA_CHECK(counts_.slabs == 0, line.c_str());
}

bool SlabStore::InRun(const Slab& slab, const void* object) const {
  return reinterpret_cast<uintptr_t>(object) - reinterpret_cast<uintptr_t>(slab.objects) < units_ * kUnitSize;
}

size_t SlabStore::IndexOf(const Slab& slab, const void* object) const {
  const uint64_t offset = static_cast<uint64_t>(static_cast<const char*>(object) - (slab.objects + prefix_));
  return static_cast<size_t>(static_cast<uint128>(offset) * inverse_stride_ >> 64);
}

void SlabStore::ReportBadFree(const Slab* slab, const void* object, const char* what) const {
  std::fprintf(stderr, "mxa: %s: cache %s, object %p, slab %p (%s)\n", what, options_.name.c_str(), object,
               slab == nullptr ? nullptr : static_cast<void*>(slab->objects),
               slab == nullptr ? "none" : SlabStateName(slab->state));
  std::abort();
}

Slab& SlabStore::OwnSlabOf(const void* object) const {
  if (!arena_.Contains(object)) ReportBadFree(nullptr, object, "free of a pointer outside the arena");
  Slab& slab = *arena_.SlabOf(object);
  if (slab.owner != owner_) ReportBadFree(&slab, object, "free to the wrong cache");
  return slab;
}

void SlabStore::RequireOwn(const void* object) const {
  const Slab& slab = OwnSlabOf(object);
  const size_t index = IndexOf(slab, object);
  if (index >= slab.capacity || At(slab, index) != object) ReportBadFree(&slab, object, "free of an interior pointer");
}

void SlabStore::MarkFreeLocked(Slab& slab, const void* object) {
  const size_t index = IndexOf(slab, object);
  if (index >= slab.capacity || At(slab, index) != object) ReportBadFree(&slab, object, "free of an interior pointer");
  if (bitmap::Test(slab.free_map(), index)) ReportBadFree(&slab, object, "double free");
  bitmap::Set(slab.free_map(), index);
}

void SlabStore::SetLiveLocked(Slab& slab, size_t live) {
  if (!PlantedBugIs(PlantedBug::kLiveCounterDrifts)) counts_.allocated = counts_.allocated + live - slab.live;
  node_counts_[NodeOf(slab)].allocated += live - slab.live;
  if (slab.state == SlabState::kListed) {
    ListsOf(slab).SetLive(slab, static_cast<uint16_t>(live));
    return;
  }
  const bool had_room = slab.live < slab.capacity;
  slab.live = static_cast<uint16_t>(live);
  if (slab.state == SlabState::kCritical && (live == 0 || had_room != (live < slab.capacity))) {
    critical_.Remove(slab);
    RestLocked(slab);
  }
}

Slab* SlabStore::FullestLocked(size_t node, bool strict) {
  const size_t nodes = strict ? 1 : lists_.size();
  for (size_t i = 0; i < nodes; ++i) {
    if (Slab* slab = lists_[(node + i) % lists_.size()].Fullest()) return slab;
  }
  return nullptr;
}

size_t SlabStore::EmptyCountLocked() const {
  size_t count = 0;
  for (const SlabLists& lists : lists_) count += lists.empty_count();
  return count;
}

Slab* SlabStore::TakeEmptyLocked(size_t keep) {
  if (EmptyCountLocked() <= keep) return nullptr;
  return std::max_element(lists_.begin(), lists_.end(),
                          [](const SlabLists& a, const SlabLists& b) { return a.empty_count() < b.empty_count(); })
      ->TakeEmpty(0);
}

size_t SlabStore::Take(absl::Span<void*> out, int node, bool strict) {
  const size_t first = static_cast<size_t>(node == kAnyNode ? arena_.topology().CurrentNode() : node);
  size_t taken = 0;
  MutexLock lock(&mutex_);
  while (taken < out.size()) {
    Slab* slab = FullestLocked(first, strict);
    if (slab == nullptr) break;
    const size_t before = taken;
    uint64_t* words = slab->free_map();
    for (size_t i = 0; i < bitmap::WordsFor(slab->capacity) && taken < out.size(); ++i) {
      char* const objects = At(*slab, i * 64);
      uint64_t word = words[i];
      for (; word != 0 && taken < out.size(); word &= word - 1) {
        out[taken++] = objects + static_cast<size_t>(std::countr_zero(word)) * stride_;
      }
      if (word != words[i] && PlantedBugIs(PlantedBug::kHandedOutTwice)) word = words[i];
      words[i] = word;
    }
    SetLiveLocked(*slab, slab->live + (taken - before));
  }
  fewest_empty_ = std::min(fewest_empty_, EmptyCountLocked());
  return taken;
}

bool SlabStore::AddSlab(int node) {
  if (hooks_ != nullptr && hooks_->ShouldFail()) return false;
  Consent consent(options_.notifiers, {CacheEventKind::kNewSlab, options_.name, nullptr, units_ * kUnitSize});
  if (!consent.granted()) {
    hooks_->counters->Add(Count::kVeto);
    return false;
  }
  Slab* slab =
      arena_.AllocateRun(units_, node, options_.movable != nullptr ? Mobility::kMovable : Mobility::kUnmovable);
  if (slab == nullptr) return false;
  if (!Furnish(*slab, capacity_)) {
    std::vector<Slab*> run = {slab};
    arena_.FreeRuns(run);
    return false;
  }
  {
    MutexLock lock(&mutex_);
    ListsOf(*slab).Insert(*slab);
    CountNewLocked(*slab);
  }
  consent.Commit();
  return true;
}

bool SlabStore::Furnish(Slab& slab, size_t capacity) {
  if (capacity > Slab::kInlineObjects) {
    slab.maps = new (std::nothrow) uint64_t[2 * bitmap::WordsFor(capacity)]();
    if (slab.maps == nullptr) return false;
  }
  slab.owner = owner_;
  slab.capacity = static_cast<uint16_t>(capacity);
  bitmap::Fill(slab.free_map(), capacity);
  for (size_t i = 0; i < capacity; ++i) {
    const bool reconstruct = hooks_ != nullptr && hooks_->debug != nullptr && hooks_->debug->reconstruct();
    if (options_.constructor != nullptr && !reconstruct) options_.constructor(At(slab, i));
    if (hooks_ != nullptr && hooks_->debug != nullptr) hooks_->debug->OnNewSlabObject(At(slab, i));
  }
  return true;
}

void SlabStore::Strip(Slab& slab) {
  if (hooks_ != nullptr && hooks_->debug != nullptr) {
    for (size_t i = 0; i < slab.capacity; ++i) hooks_->RequireWhole(At(slab, i));
  }
  if (options_.destructor != nullptr && (hooks_ == nullptr || !hooks_->reconstructs())) {
    for (size_t i = 0; i < slab.capacity; ++i) options_.destructor(At(slab, i));
  }
  if (options_.notifiers != nullptr) {
    options_.notifiers->Tell({CacheEventKind::kFreeSlab, options_.name, slab.objects, units_ * kUnitSize});
  }
}

void SlabStore::CountNewLocked(const Slab& slab) {
  ++counts_.slabs;
  ++counts_.created;
  counts_.places += slab.capacity;
  ++node_counts_[NodeOf(slab)].slabs;
  if (slab.pool != nullptr) ++counts_.critical;
}

void SlabStore::Return(absl::Span<void* const> objects) {
  MutexLock lock(&mutex_);
  for (size_t i = 0; i < objects.size();) {
    // Neighbours in a sheaf often come from one slab, which then is looked up, and changes lists, once.
    Slab& slab = OwnSlabOf(objects[i]);
    const size_t first = i;
    do {
      MarkFreeLocked(slab, objects[i++]);
    } while (i < objects.size() && InRun(slab, objects[i]));
    SetLiveLocked(slab, slab.live - (i - first));
  }
  // Relaxed: see there.
  if (EmptyCountLocked() > EmptyLimitLocked()) too_many_empty_.store(true, std::memory_order_relaxed);
}

void SlabStore::ReturnUndestroyed(absl::Span<void* const> objects) {
  MutexLock lock(&mutex_);
  for (void* object : objects) {
    Slab& slab = OwnSlabOf(object);
    MarkFreeLocked(slab, object);
    MXA_CHECK(slab.marked(), "an object whose destructor is due goes back to a slab in use");
    bitmap::Set(slab.dirty_map(), IndexOf(slab, object));
    SetLiveLocked(slab, slab.live - 1u);
  }
}

void SlabStore::PrepareRelease(Slab& slab) {
  slab.state = SlabState::kUnused;
  --counts_.slabs;
  ++counts_.released;
  counts_.places -= slab.capacity;
  if (slab.pool != nullptr) --counts_.critical;
  --node_counts_[NodeOf(slab)].slabs;
  delete[] slab.maps;
  slab.maps = nullptr;
}

}  // namespace mxa::slab
