// SPDX-License-Identifier: Apache-2.0
#include "tests/slab/stress/population.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "tests/slab/stress/referee.h"

namespace mxa::slab::stress {
namespace {

// Constructors get no context: by number.
std::array<Population*, Population::kMost> populations;

}  // namespace

template <size_t kNumber>
struct Population::Hooks {
  static void Construct(void* place) { populations[kNumber]->OnConstruct(place); }
  static void Destruct(void* place) { populations[kNumber]->OnDestruct(place); }
  static void DestroyRcu(void* object) { populations[kNumber]->OnDestroyRcu(object); }
};

void Population::ChooseHooks(CacheOptions& options, size_t number) {
  [&]<size_t... kNumbers>(std::index_sequence<kNumbers...>) {
    constexpr std::array<Hook, kMost> construct = {&Hooks<kNumbers>::Construct...};
    constexpr std::array<Hook, kMost> destruct = {&Hooks<kNumbers>::Destruct...};
    constexpr std::array<Hook, kMost> destroy = {&Hooks<kNumbers>::DestroyRcu...};
    options.constructor = construct[number];
    // Objects of caches with a destructor are not guarded.
    if (options.guard_interval == absl::ZeroDuration()) options.destructor = destruct[number];
    options.rcu_destructor = destroy[number];
  }
  (std::make_index_sequence<kMost>());
}

Population::Population(size_t number, CacheOptions options, bool movable, size_t slots)
    : number_(number),
      object_size_(options.object_size),
      movable_(movable),
      notifies_(options.notifiers != nullptr),
      constructs_places_(!options.debug.poison && options.guard_interval == absl::ZeroDuration()),
      slots_(slots) {
  MXA_CHECK(populations[number] == nullptr, "two populations of one number");
  MXA_CHECK(object_size_ >= sizeof(Probe) && object_size_ % sizeof(uint64_t) == 0, "no size for a probe");
  populations[number] = this;
  ChooseHooks(options, number);
  if (movable) options.movable = this;
  cache_ = Cache::Create(options).value();
}

Population::~Population() {
  Empty();
  cache_->Shrink();
  if (const CacheStats stats = cache_->Stats(); stats.slabs != 0) {
    Violation(absl::StrFormat("%s keeps %d slabs when it is empty", name(), stats.slabs));
  }
  cache_.reset();
  if (constructs_places_ && constructed_ != destructed_) {
    Violation(absl::StrFormat("Po3: %d places constructed, %d destructed", constructed_.load(), destructed_.load()));
  }
  populations[number_] = nullptr;
}

void Population::OnConstruct(void* place) {
  constructed_.fetch_add(1, std::memory_order_relaxed);
  Probe::Construct(place);
}

void Population::OnDestruct(void* place) {
  destructed_.fetch_add(1, std::memory_order_relaxed);
  auto* probe = static_cast<Probe*>(place);
  // Live: the old place of one that was moved away.
  const uint64_t state = probe->state.load();
  if (state != Probe::kFree && state != Probe::kLive) {
    Violation(absl::StrFormat("%s: destructor of a probe in state %x", name(), state));
  }
  probe->state.store(Probe::kWreck);
  probe->serial = 0;
}

void Population::OnDestroyRcu(void* object) {
  destroyed_rcu_.fetch_add(1, std::memory_order_relaxed);
  Did(Op::kDestroyed, name(), object);
  auto* probe = static_cast<Probe*>(object);
  const uint64_t state = probe->state.load();
  if (state == Probe::kAwaited) {
    awaited_destroyed_.fetch_add(1);
  } else if (state != Probe::kGone) {
    Violation(absl::StrFormat("%s: rcu_destructor of a probe in state %x: not freed, or a second time", name(), state));
  }
  if (!probe->Verify(object_size_)) Violation(absl::StrFormat("%s: probe damaged before its destructor", name()));
  probe->Reset();
}

Probe* Population::Adopt(void* object) {
  auto* probe = static_cast<Probe*>(object);
  if (!probe->IsConstructed()) {
    Violation(absl::StrFormat("%s: handed out %p, which is not in its constructed state but %x", name(), object,
                              probe->state.load()));
  }
  // Relaxed: a number.
  probe->Fill(next_serial_.fetch_add(1, std::memory_order_relaxed), object_size_);
  probe->state.store(Probe::kPrivate);
  private_.fetch_add(1);
  return probe;
}

Probe* Population::Make(AllocFlags flags) {
  BeginHandling(1);
  void* object = cache_->Allocate(flags);
  Did(object == nullptr ? Op::kAllocateFailed : Op::kAllocate, name(), object);
  Probe* probe = object == nullptr ? nullptr : Adopt(object);
  EndHandling(1);
  return probe;
}

Probe* Population::MakeCritical(PagePool& pool, absl::Duration timeout) {
  BeginHandling(1);
  void* object = cache_->AllocateCritical(pool, timeout);
  Did(object == nullptr ? Op::kAllocateFailed : Op::kCritical, name(), object);
  Probe* probe = object == nullptr ? nullptr : Adopt(object);
  EndHandling(1);
  return probe;
}

void Population::Discard(Probe* probe) {
  Did(Op::kFree, name(), probe);
  BeginHandling(1);
  private_.fetch_sub(1);
  probe->Reset();
  cache_->Free(probe);
  EndHandling(1);
}

void Population::DiscardRcu(Probe* probe, Probe::State state) {
  Did(Op::kFreeRcu, name(), probe);
  removed_rcu_.fetch_add(1, std::memory_order_relaxed);
  private_.fetch_sub(1);
  probe->state.store(state);
  cache_->FreeRcu(probe);
}

void Population::ProveBarrier(size_t count) {
  MutexLock lock(&proof_mutex_);
  awaited_destroyed_.store(0);
  uint64_t freed = 0;
  for (size_t i = 0; i < count; ++i) {
    Probe* probe = Make(AllocFlags::kNone);
    if (probe == nullptr) continue;
    DiscardRcu(probe, Probe::kAwaited);
    ++freed;
  }
  Did(Op::kBarrier, name(), nullptr, freed);
  cache_->FreeRcuBarrier();
  if (const uint64_t destroyed = awaited_destroyed_.load(); destroyed != freed) {
    Violation(absl::StrFormat("%s: after a barrier %d of %d objects are destroyed", name(), destroyed, freed));
  }
}

bool Population::IsIntact(const Probe& probe) const {
  return probe.state.load() == Probe::kPrivate && probe.Verify(object_size_);
}

bool Population::Publish(Probe* probe, size_t slot) {
  MutexLock lock(&LockOf(slot));
  if (IsFull(slot)) return false;
  probe->slot.store(slot);
  private_.fetch_sub(1);
  probe->state.store(Probe::kLive);
  slots_[slot].store(probe, std::memory_order_release);
  return true;
}

Probe* Population::Detach(size_t slot) {
  MutexLock lock(&LockOf(slot));
  Probe* probe = slots_[slot].load();
  if (probe == nullptr) return nullptr;
  slots_[slot].store(nullptr);
  if (probe->slot.load() != slot || !probe->Verify(object_size_)) {
    Violation(absl::StrFormat("Po4: %s: the probe of slot %d is damaged", name(), slot));
  }
  private_.fetch_add(1);
  probe->state.store(Probe::kPrivate);
  return probe;
}

bool Population::Create(size_t slot, AllocFlags flags) {
  Probe* probe = Make(flags);
  if (probe == nullptr) return false;
  if (Publish(probe, slot)) return true;
  Discard(probe);
  return false;
}

void Population::Remove(size_t slot, bool rcu) {
  Probe* probe = Detach(slot);
  if (probe == nullptr) return;
  if (rcu || slot < read_slots()) {
    DiscardRcu(probe);
  } else {
    Discard(probe);
  }
}

size_t Population::CreateBulk(size_t first, size_t count, AllocFlags flags) {
  std::vector<void*> objects(count);
  BeginHandling(count);
  const bool got = cache_->AllocateBulk(absl::MakeSpan(objects), flags);
  Did(got ? Op::kBulkAllocate : Op::kAllocateFailed, name(), nullptr, count);
  if (got) {
    for (void* object : objects) Adopt(object);
  } else if (std::count(objects.begin(), objects.end(), nullptr) != static_cast<ptrdiff_t>(count)) {
    Violation(absl::StrFormat("%s: a bulk allocation that failed left objects", name()));
  }
  EndHandling(count);
  if (!got) return 0;
  size_t published = 0;
  for (size_t i = 0; i < count; ++i) {
    auto* probe = static_cast<Probe*>(objects[i]);
    if (Publish(probe, (first + i) % slots())) {
      ++published;
    } else {
      Discard(probe);
    }
  }
  return published;
}

void Population::RemoveBulk(size_t first, size_t count) {
  std::vector<void*> probes;
  for (size_t i = first; i < std::min(first + count, slots()); ++i) {
    if (i < read_slots()) {
      Remove(i, true);
    } else if (Probe* probe = Detach(i)) {
      probes.push_back(probe);
    }
  }
  Did(Op::kBulkFree, name(), nullptr, probes.size());
  BeginHandling(probes.size());
  private_.fetch_sub(probes.size());
  for (void* probe : probes) static_cast<Probe*>(probe)->Reset();
  cache_->FreeBulk(probes);
  EndHandling(probes.size());
}

void Population::CreatePrefilled(size_t first, size_t count, AllocFlags flags) {
  constexpr size_t kLargestSheaf = 64;  // a full one of the barn may come instead
  const size_t bound = 2 * std::max(count, kLargestSheaf);
  BeginHandling(bound);
  {
    absl::StatusOr<PrefilledSheaf> sheaf = cache_->Prefill(count, flags);
    Did(sheaf.ok() ? Op::kPrefill : Op::kAllocateFailed, name(), nullptr, count);
    if (sheaf.ok()) {
      if (sheaf->size() < count) Violation(absl::StrFormat("%s: a prefilled sheaf lacks objects", name()));
      if (count % 3 == 0 && sheaf->Refill(2 * count, flags) && sheaf->size() < 2 * count) {
        Violation(absl::StrFormat("%s: a refilled sheaf lacks objects", name()));
      }
      for (size_t i = 0; i < count; ++i) {
        Probe* probe = Adopt(sheaf->Allocate());
        Did(Op::kFromPrefilled, name(), probe);
        if (!Publish(probe, (first + i) % slots())) DiscardRcu(probe);
      }
    }
  }  // the rest goes back
  EndHandling(bound);
}

void Population::Inspect(size_t slot) {
  MutexLock lock(&LockOf(slot));
  const Probe* probe = Peek(slot);
  if (probe == nullptr) return;
  if (probe->state.load() != Probe::kLive || probe->slot.load() != slot || !probe->Verify(object_size_)) {
    Violation(absl::StrFormat("Po4: %s: the probe of slot %d is not what it should be", name(), slot));
  }
}

bool Population::CanFree(absl::Span<void*> objects) {
  // Relaxed: a die to throw.
  if (asked_.fetch_add(1, std::memory_order_relaxed) % 61 == 0) return false;
  // Nothing is allocated from a marked slab, and what is freed to it is not shown here: an object that is free in a
  // pass's hands is being handled, from before it was looked at until after. First who has ended, last who has begun.
  const size_t ended = ended_.load();
  size_t free = 0;
  for (void*& object : objects) {
    const uint64_t state = static_cast<Probe*>(object)->state.load();
    if (state == Probe::kFree) ++free;
    if (state == Probe::kWreck) Violation(absl::StrFormat("%s: CanFree of a place without a probe", name()));
    if (state != Probe::kLive) object = nullptr;
  }
  if (const size_t handled = begun_.load() - ended; free > handled) {
    Violation(absl::StrFormat("%s: CanFree of %d free objects with %d being handled: the drain missed some", name(),
                              free, handled));
  }
  return true;
}

void Population::Reclaim(absl::Span<void*> objects, reclaim::MoveTarget& target) {
  for (void* object : objects) {
    if (object == nullptr) continue;
    auto* probe = static_cast<Probe*>(object);
    auto* destination = static_cast<Probe*>(target.destination());
    const size_t slot = probe->slot.load();
    if (destination == nullptr || target.unpin_only() || !LockOf(slot).TryLock()) {
      target.Settle(object, reclaim::MoveResult::kBusy);
      continue;
    }
    reclaim::MoveResult result = reclaim::MoveResult::kGone;
    if (probe->state.load() == Probe::kLive && slots_[slot].load() == probe) {
      result = reclaim::MoveResult::kPinned;
      if (probe->serial % 257 != 0) {
        if (!destination->IsConstructed()) Violation(absl::StrFormat("%s: move to a place in use", name()));
        destination->CopyContents(*probe);
        destination->slot.store(slot);
        destination->state.store(Probe::kLive);
        slots_[slot].store(destination, std::memory_order_release);
        moved_.fetch_add(1, std::memory_order_relaxed);
        Count(Op::kMove, 1);
        result = reclaim::MoveResult::kMoved;
      }
    }
    LockOf(slot).Unlock();
    target.Settle(object, result);
  }
}

void Population::Empty() {
  for (size_t slot = 0; slot < slots(); ++slot) Remove(slot, slot % 2 == 0);
}

}  // namespace mxa::slab::stress
