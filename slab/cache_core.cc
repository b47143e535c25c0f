// SPDX-License-Identifier: Apache-2.0
//
// Allocation and free: the slow paths behind the thread's own sheaves.
#include "slab/cache_core.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/strings/numbers.h"
#include "base/check.h"
#include "base/planted_bug.h"
#include "reclaim/context.h"
#include "reclaim/fork_hold.h"
#include "reclaim/rcu.h"
#include "reclaim/retire.h"
#include "slab/direct_reclaim.h"
#include "slab/fork.h"
#include "slab/guard/guard_pool.h"
#include "slab/housekeeper.h"
#include "slab/membarrier.h"
#include "slab/take_back.h"

namespace mxa::slab {
namespace {

// Larger objects get smaller sheaves, so that what a thread holds back is bounded in bytes.
size_t DefaultSheafCapacity(size_t object_size) {
  if (object_size >= 65536) return 2;
  if (object_size >= 16384) return 4;
  if (object_size >= 4096) return 8;
  if (object_size >= 1024) return 16;
  if (object_size >= 768) return 32;
  return 64;
}

absl::Duration GuardIntervalFromEnvironment() {
  const char* text = std::getenv("MXA_SLAB_GUARD_MS");
  int64_t milliseconds = 0;
  if (text == nullptr) return absl::ZeroDuration();
  if (absl::SimpleAtoi(text, &milliseconds) && milliseconds >= 0 && milliseconds <= 1'000'000'000) {
    return absl::Milliseconds(milliseconds);
  }
  std::fprintf(stderr, "mxa: MXA_SLAB_GUARD_MS is no number of milliseconds, and ignored: %s\n", text);
  return absl::ZeroDuration();
}

// Zero: no guarded objects.
absl::Duration GuardInterval(const CacheOptions& options) {
  if (options.object_size > GuardPool::kMaxObjectSize || options.destructor != nullptr) return absl::ZeroDuration();
  if (options.guard_interval > absl::ZeroDuration()) return options.guard_interval;
  ABSL_CONST_INIT static reclaim::Immortal<const absl::Duration> from_environment;
  return from_environment.Get([] { return new absl::Duration(GuardIntervalFromEnvironment()); });
}

}  // namespace

CacheCore::CacheCore(const CacheOptions& options)
    : options_(options),
      arena_(*options.arena),
      sheaf_capacity_(options.sheaf_capacity != 0 ? options.sheaf_capacity : DefaultSheafCapacity(options.object_size)),
      hooks_(CacheHooks::For(options_, arena_, &counters_)),
      guard_sampler_({.interval = GuardInterval(options_)}),
      store_(this, options_, arena_, hooks_.get()) {
  for (int node = 0; node < static_cast<int>(arena_.topology().nodes()); ++node) barns_.emplace_back(arena_, node);
  reclaim::StartRetiring();
  MutexLock lock(&ThreadRegistryMutex());
  if (hooked()) slow_requests_ = 1;  // for good
  id_ = AcquireCacheId();
  AllCaches().PushBack(*this);
}

CacheCore::~CacheCore() {
  AwaitUnpinned();
  // Again as long as something was retired meanwhile: its destructors may have passed more objects to FreeRcu, which by
  // now wait in the sheaf of the thread that ran them, or have been called back in turn. When nothing was, the barrier
  // has waited for the last destructor, and no sheaf had anything of it.
  uint64_t before;
  do {
    // Relaxed, here and below: a retirement is seen by the locks of the barrier, whose end follows it, or of the threads'
    // sheaves, of which one would not be empty without it.
    before = retirements_.load(std::memory_order_relaxed);
    FreeRcuBarrier();
    BeginSlow();
    FlushAllSheaves();
    EndSlow();
  } while (retirements_.load(std::memory_order_relaxed) != before);
  ReleaseCritical();
  MXA_CHECK(guarded_.load(std::memory_order_relaxed) == 0 || arena_.Guards().ReportLeaks(this) == 0,
            "a cache destroyed with guarded objects not freed");
  MutexLock lock(&ThreadRegistryMutex());
  while (ThreadSheaves* sheaves = threads_.front()) RemoveSheaves(sheaves);
  AllCaches().Remove(*this);
  ReleaseCacheId(id_);
}

ThreadSheaves* CacheCore::CurrentSheaves() {
  ThreadSheaves* sheaves = FindThreadSheaves(id_);
  if (ABSL_PREDICT_FALSE(sheaves == nullptr)) return NewSheaves();
  LeaveBusy(*sheaves);
  // Relaxed: only this thread writes it, and the housekeeper takes what it sees.
  sheaves->activity.store(sheaves->activity.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return sheaves;
}

ThreadSheaves* CacheCore::NewSheaves() {
  std::unique_ptr<ThreadSheaves> owned(new (std::nothrow) ThreadSheaves);
  Sheaf* const main = Sheaf::New(this, sheaf_capacity_);
  Sheaf* const spare = Sheaf::New(this, sheaf_capacity_);
  if (owned == nullptr || main == nullptr || spare == nullptr) {
    if (main != nullptr) Sheaf::Delete(main);
    if (spare != nullptr) Sheaf::Delete(spare);
    return nullptr;
  }
  ThreadSheaves* const sheaves = owned.release();
  sheaves->cache = this;
  sheaves->main = main;
  sheaves->spare = spare;
  counters_.Add(Count::kSheafAlloc, 2);
  size_t threads;
  {
    MutexLock lock(&ThreadRegistryMutex());
    // Relaxed: published to other threads by the registry's lock.
    sheaves->fence.store(slow_requests_ > 0 || !HaveMembarrier() ? 0 : arena_.slabs_end(), std::memory_order_relaxed);
    threads_.PushBack(*sheaves);
    AddThreadSheaves(id_, sheaves);
    threads = threads_.size();
  }
  for (Barn& barn : barns_) barn.SetLimit(4 + 2 * threads);
  Housekeeper::Arm();
  return sheaves;
}

void CacheCore::RemoveSheaves(ThreadSheaves* sheaves) {
  RemoveThreadSheaves(id_, sheaves);
  threads_.Remove(*sheaves);
  for (Sheaf* sheaf : {sheaves->main, sheaves->spare, sheaves->rcu_free}) {
    if (sheaf == nullptr) continue;
    Sheaf::Delete(sheaf);
    counters_.Add(Count::kSheafFree);
  }
  delete sheaves;
}

void CacheCore::OnThreadExit(ThreadSheaves* sheaves) {
  // Drains run under the registry's lock, so none is looking at these sheaves; one that begins later finds the objects
  // in their slabs.
  if (sheaves->main->empty() || !PlantedBugIs(PlantedBug::kThreadExitLosesSheaf)) FlushInto(*sheaves->main);
  if (sheaves->spare != nullptr) FlushInto(*sheaves->spare);
  RetireRcuFree(*sheaves);
  RemoveSheaves(sheaves);
}

void CacheCore::FlushInto(Sheaf& sheaf) {
  if (sheaf.empty()) return;
  store_.Return(sheaf.span());
  sheaf.set_size(0);
  counters_.Add(Count::kFlush);
}

bool CacheCore::BringSheaf(ThreadSheaves& sheaves, int node, bool anywhere) {
  if (sheaves.main->empty() && sheaves.spare != nullptr && !sheaves.spare->empty()) {
    std::swap(sheaves.main, sheaves.spare);
  }
  for (size_t i = 0; sheaves.main->empty() && i < (anywhere ? barns_.size() : 1); ++i) {
    Barn& barn = barns_[(static_cast<size_t>(node) + i) % barns_.size()];
    bool kept = false;
    Sheaf* full = barn.ExchangeEmpty(sheaves.main, kept);
    counters_.Add(full != nullptr ? Count::kBarnGet : Count::kBarnGetFail);
    if (full == nullptr) continue;
    Sheaf* empty = std::exchange(sheaves.main, full);
    if (!kept) PutEmptySheaf(empty);
  }
  return !sheaves.main->empty();
}

// One owner section: an object from the thread's sheaves, the node's barn, or straight from its slabs into the sheaf.
// With `anywhere`, another node's will do.
bool CacheCore::TakeFromSection(ThreadSheaves& sheaves, int node, bool anywhere, void** object) {
  OwnerSection section(sheaves);
  if (!BringSheaf(sheaves, node, anywhere)) {
    const size_t taken = store_.Take({sheaves.main->objects(), sheaves.main->capacity}, node, /*strict=*/!anywhere);
    if (taken == 0) return false;
    sheaves.main->set_size(taken);
    // Popped from the end: lowest addresses first.
    if (hooked() && hooks_->random_order) {
      hooks_->Shuffle(sheaves.main->span());
    } else {
      std::reverse(sheaves.main->objects(), sheaves.main->objects() + taken);
    }
    counters_.Add(Count::kRefill);
  }
  *object = sheaves.main->TryPop();
  return true;
}

bool CacheCore::MakeRoom(AllocFlags flags, Search& search) {
  if (!Has(flags, AllocFlags::kNoNewSlab) && store_.AddSlab(search.anywhere ? kAnyNode : search.node)) return true;
  if (!std::exchange(search.anywhere, true)) return true;
  // Once an allocation, so that two that compete for the same memory do not take it from each other for ever.
  const bool may_reclaim = Has(flags, AllocFlags::kMayReclaim) && reclaim::MayReclaim() && !reclaim::InReadSection();
  const bool may_grow = !Has(flags, AllocFlags::kNoNewSlab);
  if (may_grow && !std::exchange(search.took_back, true) && TakeBackEmptySlabs(arena_, may_reclaim) != 0) return true;
  if (store_.TakeBackPlanned()) return true;
  if (!may_reclaim) return false;
  switch (search.stage++) {
    case 0:  // what other threads hold free
      BeginSlow();
      FlushAllSheaves();
      EndSlow();
      return true;
    case 1:  // what only waits for its grace period
      FreeRcuBarrier();
      BeginSlow();
      FlushAllSheaves();
      EndSlow();
      return true;
    case 2:  // what other caches hold beyond their needs, and what can be made again
      return may_grow && DirectReclaim(arena_, *this);
    default:
      return false;
  }
}

void* CacheCore::Allocate(AllocFlags flags) {
  if (id_ >= ThreadTable::kNear) {
    if (void* object = TryAllocateFrom(FindThreadSheaves(id_))) return object;
  }
  return hooked() ? AllocateHooked(flags) : AllocateObject(flags);
}

void* CacheCore::AllocateObject(AllocFlags flags) {
  MXA_CHECK(reclaim::tls_context.can_free == 0, "allocation inside CanFree");
  counters_.Add(Count::kAllocSlow);
  if (void* object = AllocateGuarded()) return object;
  ThreadSheaves* const sheaves = CurrentSheaves();
  void* object = nullptr;
  Search search = NewSearch();
  bool found = false;
  while (sheaves != nullptr && !found) {
    found = TakeFromSection(*sheaves, search.node, search.anywhere, &object);
    if (!found && !MakeRoom(flags, search)) break;
  }
  if (sheaves != nullptr) LeaveBusy(*sheaves);
  if (!found) counters_.Add(Count::kAllocFailed);
  return object;
}

// One owner section: makes room and pushes. False when an empty sheaf should be got first; `empty` is null afterwards
// when it helped.
bool CacheCore::FreeInSection(ThreadSheaves& sheaves, void* object, Sheaf*& empty, bool may_flush) {
  OwnerSection section(sheaves);
  // ORDER(mark) the fence's acquire, or the sheaves' mutex, orders this read after the pass's SetMarked.
  if (section.slow() && Bypasses(object) && !PlantedBugIs(PlantedBug::kFreeEntersSheaf)) {
    store_.Return({&object, 1});
    return true;
  }
  if (hooked() && hooks_->quarantine != nullptr) {
    object = hooks_->quarantine->Push(object);
    if (object == nullptr) return true;
    may_flush = true;  // it cannot be pushed again
  }
  if (sheaves.main->full() && sheaves.spare != nullptr && !sheaves.spare->full()) {
    std::swap(sheaves.main, sheaves.spare);
  }
  if (sheaves.main->full()) {
    bool refused = true;
    Sheaf* fresh = empty == nullptr ? ExchangeFullSheaf(sheaves.main, refused) : nullptr;
    if (fresh != nullptr) {
      sheaves.main = fresh;
    } else if (empty == nullptr && !refused && !may_flush) {
      return false;
    } else if (empty != nullptr && PutFullSheaf(CurrentBarn(), sheaves.main)) {
      sheaves.main = std::exchange(empty, nullptr);
    } else {
      FlushInto(*sheaves.main);
    }
  }
  sheaves.main->Push(object);
  return true;
}

void CacheCore::Free(void* object) {
  if (id_ >= ThreadTable::kNear && TryFreeTo(FindThreadSheaves(id_), object)) return;
  if (hooked()) {
    FreeHooked(object);
  } else {
    FreeObject(object);
  }
}

void CacheCore::FreeObject(void* object) {
  MXA_CHECK(reclaim::tls_context.can_free == 0, "free inside CanFree");
  if (ABSL_PREDICT_FALSE(arena_.InGuards(object))) return FreeGuarded(object);
  if (ABSL_PREDICT_FALSE(!arena_.Contains(object))) return store_.Return({&object, 1});  // which reports it
  counters_.Add(Count::kFreeSlow);
  ThreadSheaves* const sheaves = CurrentSheaves();
  if (sheaves == nullptr) {
    store_.Return({&object, 1});  // right for an object of a marked slab, too
  } else {
    Sheaf* empty = nullptr;
    if (!FreeInSection(*sheaves, object, empty, /*may_flush=*/false)) {
      empty = NewEmptySheaf();  // null: the sheaf at hand is emptied instead
      FreeInSection(*sheaves, object, empty, /*may_flush=*/true);
      if (empty != nullptr) PutEmptySheaf(empty);
    }
    LeaveBusy(*sheaves);
  }
  store_.TrimEmpty();
  ReleaseCritical();
}

Sheaf* CacheCore::ExchangeFullSheaf(Sheaf* full, bool& refused) {
  Sheaf* empty = CurrentBarn().ExchangeFull(full, refused);
  if (empty != nullptr) counters_.Add(Count::kBarnPut);
  if (refused) counters_.Add(Count::kBarnPutFail);
  return empty;
}

Sheaf* CacheCore::NewEmptySheaf() {
  if (Sheaf* sheaf = CurrentBarn().TakeEmpty()) return sheaf;
  if (hooked() && hooks_->ShouldFail()) return nullptr;
  Sheaf* sheaf = Sheaf::New(this, sheaf_capacity_);
  if (sheaf != nullptr) counters_.Add(Count::kSheafAlloc);
  return sheaf;
}

void CacheCore::PutEmptySheaf(Sheaf* sheaf) {
  if (sheaf->capacity == sheaf_capacity_ && CurrentBarn().PutEmpty(sheaf)) return;
  Sheaf::Delete(sheaf);
  counters_.Add(Count::kSheafFree);
}

bool CacheCore::PutFullSheaf(Barn& barn, Sheaf* sheaf) {
  const bool put = sheaf->capacity == sheaf_capacity_ && barn.PutFull(sheaf);
  counters_.Add(put ? Count::kBarnPut : Count::kBarnPutFail);
  return put;
}

size_t CacheCore::Shrink() {
  FreeRcuBarrier();
  BeginSlow();
  FlushAllSheaves();
  EndSlow();
  return store_.ReleaseEmpty(0);
}

}  // namespace mxa::slab
