// SPDX-License-Identifier: Apache-2.0
#include "slab/slab_store.h"

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

#include "absl/strings/str_format.h"
#include "base/bitmap.h"
#include "base/check.h"
#include "reclaim/context.h"

namespace mxa::slab {
namespace {

__extension__ using uint128 = unsigned __int128;

// Large objects get slabs of several units, so that at least this many share one.
constexpr size_t kMinObjects = 8;

const char* StateName(SlabState state) {
  switch (state) {
    case SlabState::kUnused:
      return "unused";
    case SlabState::kListed:
      return "listed";
    case SlabState::kPlanned:
      return "planned";
    case SlabState::kMarked:
      return "marked";
    case SlabState::kIsolated:
      return "isolated";
  }
  return "corrupt";
}

}  // namespace

SlabStore::SlabStore(CacheCore* owner, const CacheOptions& options, Arena& arena)
    : owner_(owner), options_(options), arena_(arena) {
  stride_ = (options.object_size + options.alignment - 1) & ~(options.alignment - 1);
  while (units_ * kUnitSize / stride_ < kMinObjects) units_ *= 2;
  capacity_ = units_ * kUnitSize / stride_;
  inverse_stride_ = ~uint64_t{0} / stride_ + 1;
}

SlabStore::~SlabStore() {
  Unplan();
  ReleaseEmpty(0);
  MutexLock lock(&mutex_);
  if (counts_.slabs == 0) return;
  std::string leaked;
  lists_.ForEach([&](const Slab& slab) {
    for (size_t i = 0; i < slab.capacity && leaked.size() < 100; ++i) {
      if (!bitmap::Test(slab.free_map(), i)) absl::StrAppendFormat(&leaked, " %p", slab.objects + i * stride_);
    }
  });
  const std::string line = absl::StrFormat("cache %s destroyed with %d objects not freed, among them%s", options_.name,
                                           counts_.allocated, leaked);
  MXA_CHECK(counts_.slabs == 0, line.c_str());
}

size_t SlabStore::IndexOf(const Slab& slab, const void* object) const {
  const uint64_t offset = static_cast<uint64_t>(static_cast<const char*>(object) - slab.objects);
  return static_cast<size_t>(static_cast<uint128>(offset) * inverse_stride_ >> 64);
}

void SlabStore::ReportBadFree(const Slab* slab, const void* object, const char* what) const {
  std::fprintf(stderr, "mxa: %s: cache %s, object %p, slab %p (%s)\n", what, options_.name.c_str(), object,
               slab == nullptr ? nullptr : static_cast<void*>(slab->objects),
               slab == nullptr ? "none" : StateName(slab->state));
  std::abort();
}

Slab& SlabStore::MarkFreeLocked(void* object) {
  if (!arena_.Contains(object)) ReportBadFree(nullptr, object, "free of a pointer outside the arena");
  Slab& slab = *arena_.SlabOf(object);
  if (slab.owner != owner_) ReportBadFree(&slab, object, "free to the wrong cache");
  const size_t index = IndexOf(slab, object);
  if (index >= capacity_ || slab.objects + index * stride_ != object)
    ReportBadFree(&slab, object, "free of an interior pointer");
  if (bitmap::Test(slab.free_map(), index)) ReportBadFree(&slab, object, "double free");
  bitmap::Set(slab.free_map(), index);
  return slab;
}

void SlabStore::SetLiveLocked(Slab& slab, size_t live) {
  counts_.allocated = counts_.allocated + live - slab.live;
  if (slab.state == SlabState::kListed) {
    lists_.SetLive(slab, static_cast<uint16_t>(live));
  } else {
    slab.live = static_cast<uint16_t>(live);
  }
}

size_t SlabStore::Take(absl::Span<void*> out) {
  size_t taken = 0;
  MutexLock lock(&mutex_);
  while (taken < out.size()) {
    Slab* slab = lists_.Fullest();
    if (slab == nullptr) break;
    const size_t before = taken;
    uint64_t* words = slab->free_map();
    for (size_t i = 0; i < bitmap::WordsFor(slab->capacity) && taken < out.size(); ++i) {
      while (words[i] != 0 && taken < out.size()) {
        const size_t index = i * 64 + static_cast<size_t>(std::countr_zero(words[i]));
        words[i] &= words[i] - 1;
        out[taken++] = slab->objects + index * stride_;
      }
    }
    SetLiveLocked(*slab, slab->live + (taken - before));
  }
  return taken;
}

bool SlabStore::AddSlab() {
  Slab* slab = arena_.AllocateRun(units_);
  if (slab == nullptr) return false;
  slab->owner = owner_;
  slab->capacity = static_cast<uint16_t>(capacity_);
  if (capacity_ > Slab::kInlineObjects) {
    slab->maps = new (std::nothrow) uint64_t[2 * bitmap::WordsFor(capacity_)]();
    if (slab->maps == nullptr) {
      std::vector<Slab*> run = {slab};
      arena_.FreeRuns(run);
      return false;
    }
  }
  bitmap::Fill(slab->free_map(), capacity_);
  if (options_.constructor != nullptr) {
    for (size_t i = 0; i < capacity_; ++i) options_.constructor(slab->objects + i * stride_);
  }
  MutexLock lock(&mutex_);
  lists_.Insert(*slab);
  ++counts_.slabs;
  ++counts_.created;
  return true;
}

void SlabStore::Return(absl::Span<void* const> objects) {
  MutexLock lock(&mutex_);
  for (void* object : objects) {
    Slab& slab = MarkFreeLocked(object);
    SetLiveLocked(slab, slab.live - 1u);
  }
}

void SlabStore::ReturnUndestroyed(absl::Span<void* const> objects) {
  MutexLock lock(&mutex_);
  for (void* object : objects) {
    Slab& slab = MarkFreeLocked(object);
    MXA_CHECK(slab.marked(), "an object whose destructor is due goes back to a slab in use");
    bitmap::Set(slab.dirty_map(), IndexOf(slab, object));
    SetLiveLocked(slab, slab.live - 1u);
  }
}

void SlabStore::PrepareRelease(Slab& slab) {
  slab.state = SlabState::kUnused;
  --counts_.slabs;
  ++counts_.released;
  delete[] slab.maps;
  slab.maps = nullptr;
}

size_t SlabStore::ReleaseEmpty(size_t keep) {
  std::vector<Slab*> runs;
  {
    MutexLock lock(&mutex_);
    if (planning_) return 0;
    while (Slab* slab = lists_.TakeEmpty(keep)) {
      PrepareRelease(*slab);
      runs.push_back(slab);
    }
  }
  const size_t count = runs.size();
  if (count != 0) arena_.FreeRuns(runs);
  return count;
}

void SlabStore::TrimEmpty() {
  size_t keep;
  {
    MutexLock lock(&mutex_);
    keep = 2 + counts_.slabs / 32;
    if (lists_.empty_count() <= keep) return;
  }
  ReleaseEmpty(keep);
}

std::vector<SlabStore::Choice> SlabStore::Listed() {
  std::vector<Choice> listed;
  MutexLock lock(&mutex_);
  planning_ = true;
  listed.reserve(counts_.slabs);
  lists_.ForEach([&](Slab& slab) { listed.push_back({&slab, slab.live, arena_.RegionOf(&slab)}); });
  return listed;
}

void SlabStore::Plan(absl::Span<Slab* const> slabs) {
  MutexLock lock(&mutex_);
  planning_ = false;
  for (Slab* slab : slabs) {
    lists_.Remove(*slab);
    slab->state = SlabState::kPlanned;
    planned_.PushBack(*slab);
  }
}

bool SlabStore::HasPlanned() {
  MutexLock lock(&mutex_);
  return !planned_.empty();
}

bool SlabStore::TakeBackPlanned() {
  MutexLock lock(&mutex_);
  for (Slab* slab = planned_.back(); slab != nullptr; slab = planned_.back()) {
    planned_.Remove(*slab);
    lists_.Insert(*slab);
    if (slab->live < slab->capacity) return true;
  }
  return false;
}

void SlabStore::Unplan() {
  MutexLock lock(&mutex_);
  while (Slab* slab = planned_.front()) {
    planned_.Remove(*slab);
    lists_.Insert(*slab);
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
  for (size_t i = 0; i < slab.capacity; ++i) {
    if (!bitmap::Test(slab.free_map(), i)) objects.push_back(slab.objects + i * stride_);
  }
  if (objects.empty()) return true;
  reclaim::CanFreeScope scope;
  if (movable.CanFree(absl::MakeSpan(objects))) return true;
  objects.clear();
  return false;
}

void SlabStore::RunDestructors(Slab& slab) {
  std::vector<uint64_t> due;
  {
    MutexLock lock(&mutex_);
    due.assign(slab.dirty_map(), slab.dirty_map() + bitmap::WordsFor(slab.capacity));
    bitmap::Reset(slab.dirty_map(), slab.capacity);
  }
  if (options_.rcu_destructor == nullptr) return;
  bitmap::ForEachSet(due.data(), slab.capacity, [&](size_t i) { options_.rcu_destructor(slab.objects + i * stride_); });
}

void SlabStore::RelistSettled(Slab& slab) {
  // What is freed undestroyed comes from this same thread (ReturnUndestroyed), so nothing becomes due meanwhile.
  RunDestructors(slab);
  MutexLock lock(&mutex_);
  victims_.Remove(slab);
  slab.SetMarked(false);
  lists_.Insert(slab);
}

size_t SlabStore::Settle(absl::Span<Slab* const> victims, absl::Span<void* const> moved, bool keep_empty) {
  // In pieces, so that allocations do not wait for a whole batch.
  constexpr size_t kAtOnce = 256;
  for (size_t i = 0; i < moved.size(); i += kAtOnce) Return(moved.subspan(i, kAtOnce));
  std::vector<Slab*> empty;
  std::vector<Slab*> kept;
  {
    MutexLock lock(&mutex_);
    // An empty marked slab stays empty: nothing is allocated from it.
    for (Slab* slab : victims) (slab->live == 0 && !keep_empty ? empty : kept).push_back(slab);
    for (Slab* slab : empty) slab->state = SlabState::kUnused;
  }
  // Whoever was moved away left its old place as it was; a place that will be allocated again is constructed anew.
  for (void* object : moved) {
    if (arena_.SlabOf(object)->state != SlabState::kUnused) options_.constructor(object);
  }
  for (Slab* slab : kept) RelistSettled(*slab);
  for (Slab* slab : empty) RunDestructors(*slab);
  {
    MutexLock lock(&mutex_);
    for (Slab* slab : empty) {
      victims_.Remove(*slab);
      PrepareRelease(*slab);
    }
  }
  const size_t count = empty.size();
  if (count != 0) arena_.FreeRuns(empty);
  return count;
}

SlabStore::Counts SlabStore::GetCounts() {
  MutexLock lock(&mutex_);
  Counts counts = counts_;
  counts.empty = lists_.empty_count();
  return counts;
}

bool SlabStore::IsFree(const void* object) {
  MutexLock lock(&mutex_);
  const Slab& slab = *arena_.SlabOf(object);
  return bitmap::Test(slab.free_map(), IndexOf(slab, object));
}

bool SlabStore::AtRest() {
  MutexLock lock(&mutex_);
  return planned_.empty() && victims_.empty() && !planning_;
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
  const bool should_be_marked = slab.state == SlabState::kMarked || slab.state == SlabState::kIsolated;
  if (slab.marked() != should_be_marked) {
    return absl::InternalError(absl::StrFormat("L3: slab %p of %s is %s and its mark says otherwise", slab.objects,
                                               options_.name, StateName(slab.state)));
  }
  return absl::OkStatus();
}

absl::Status SlabStore::CheckInvariants() {
  MutexLock lock(&mutex_);
  size_t slabs = 0;
  size_t allocated = 0;
  absl::Status status;
  auto check = [&](Slab& slab, bool listed) {
    mutex_.AssertHeld();  // for the lock analysis, which does not look out of a lambda
    ++slabs;
    allocated += slab.live;
    status.Update(CheckSlab(slab));
    if (listed && (slab.state != SlabState::kListed || !lists_.OnItsList(slab))) {
      status.Update(
          absl::InternalError(absl::StrFormat("S2: slab %p of %s is on the wrong list", slab.objects, options_.name)));
    }
  };
  lists_.ForEach([&](Slab& slab) { check(slab, true); });
  for (Slab* slab = planned_.front(); slab != nullptr; slab = planned_.next(*slab)) check(*slab, false);
  for (Slab* slab = victims_.front(); slab != nullptr; slab = victims_.next(*slab)) check(*slab, false);
  if (status.ok() && (slabs != counts_.slabs || allocated != counts_.allocated)) {
    return absl::InternalError(
        absl::StrFormat("S3: %s counts %d slabs and %d allocated objects, its lists hold %d and %d", options_.name,
                        counts_.slabs, counts_.allocated, slabs, allocated));
  }
  return status;
}

}  // namespace mxa::slab
