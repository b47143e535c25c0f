// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/droppables.h"

#include <new>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "tools/torture/threads.h"

namespace mxa::torture {
namespace {

using State = Droppable::State;

thread_local bool tls_by_hand = false;

uint64_t CheckOf(size_t place) { return tool::Mix64(place); }

}  // namespace

Droppables::Droppables(World& world) : world_(world), places_(kPlaces) {
  slab::CacheOptions options;
  options.name = "torture droppables";
  options.object_size = 320;
  options.constructor = &Construct;
  options.rcu_destructor = &EndRetired;
  options.arena = &world.arena();
  options.rcu_free_delay = absl::Milliseconds(5);
  cache_ = slab::Cache::Create(options).value();
}

Droppables::~Droppables() {
  MutexLock lock(&mutex_);
  for (Place& place : places_) {
    if (place.object != nullptr) Drop(place.object);
  }
}

void Droppables::Construct(void* memory) { new (memory) Droppable; }

void Droppables::EndRetired(void* memory) {
  // Relaxed: behind a grace period, and the cache orders it before the next user.
  static_cast<Droppable*>(memory)->state.store(State::kFree, std::memory_order_relaxed);
}

Droppable* Droppables::Pin(size_t place) {
  MutexLock lock(&mutex_);
  Droppable*& object = places_[place].object;
  if (object == nullptr) object = Make(place);
  if (object == nullptr) return nullptr;
  ++places_[place].pins;
  return object;
}

Droppable* Droppables::Make(size_t place) {
  auto* object = static_cast<Droppable*>(cache_->Allocate());
  if (object == nullptr) return nullptr;
  // Relaxed, here and below: the mutex orders it; who else has the object is no less wrong.
  if (object->state.exchange(State::kThere, std::memory_order_relaxed) != State::kFree) {
    world_.errors().Report(Error::kElement, "a droppable object that was handed out is in use");
  }
  object->place = place;
  object->check = CheckOf(place);
  ++there_;
  ++made_;
  return object;
}

void Droppables::Unpin(Droppable* object) {
  const size_t place = object->place;
  const bool is_whole = object->state.load(std::memory_order_relaxed) == State::kThere && place < kPlaces &&
                        object->check == CheckOf(place);
  MutexLock lock(&mutex_);
  if (!is_whole || places_[place].object != object || places_[place].pins == 0) {
    return world_.errors().Report(Error::kElement, "a pinned object was dropped or overwritten");
  }
  --places_[place].pins;
}

void Droppables::Drop(Droppable* object) {
  if (object->state.exchange(State::kDropped, std::memory_order_relaxed) != State::kThere) {
    world_.errors().Report(Error::kCallback, "an object was dropped that is not there");
  }
  object->place = 0;
  object->check = 0;
  if (random_.OneIn(4)) return cache_->FreeRcu(object);
  object->state.store(State::kFree, std::memory_order_relaxed);  // relaxed: the cache orders it
  cache_->Free(object);
}

void Droppables::Enter() {
  Errors& errors = world_.errors();
  // Both ways; pairs with the release in Leave: the last caller is done with what is whoever's shrinks.
  if (inside_.exchange(true, std::memory_order_acq_rel)) {
    errors.Report(Error::kCallback, "two threads are inside one shrinker");
  }
  // Acquire; pairs with the release in LetReclaimerCall.
  if (!tls_by_hand && !reclaimer_may_call_.load(std::memory_order_acquire)) {
    errors.Report(Error::kCallback, "a reclaimer that has stopped calls a shrinker");
  }
  if (reclaim::MayReclaim() || reclaim::InReadSection()) {
    errors.Report(Error::kCallback, "a shrinker is called where reclaim is not forbidden, or inside a section");
  }
}

size_t Droppables::Count(int) {
  Enter();
  size_t there;
  {
    MutexLock lock(&mutex_);
    there = there_;  // pinned ones too: an estimate will do
  }
  Leave();
  return there;
}

absl::StatusOr<reclaim::Scanned> Droppables::Scan(const reclaim::ScanRequest& request) {
  Enter();
  if (request.objects == 0 || request.objects > kBatch) {
    world_.errors().Report(Error::kCallback, absl::StrFormat("a scan of %u objects was asked for", request.objects));
  }
  reclaim::Scanned scanned{.stop = random_.OneIn(32)};
  for (size_t i = 0; i < request.objects && !request.cancelled(); ++i) {
    hand_ = (hand_ + 1) % kPlaces;
    Droppable* object = nullptr;
    {
      MutexLock lock(&mutex_);
      Place& place = places_[hand_];
      if (place.object == nullptr || place.pins != 0) continue;
      object = std::exchange(place.object, nullptr);
      --there_;
    }
    Drop(object);
    ++scanned.objects;
  }
  scanned.bytes = scanned.objects * cache_->Shape().stride;
  dropped_ += scanned.objects;
  torture::Count(Figure::kDropped, scanned.objects);
  Leave();
  return scanned;
}

void Droppables::ShrinkByHand(reclaim::ShrinkerRegistry& registry, int priority) {
  tls_by_hand = true;
  const reclaim::ShrinkResult result = registry.Shrink({.priority = priority, .time_limit = absl::Milliseconds(2)});
  tls_by_hand = false;
  dropped_by_hand_.fetch_add(result.objects, std::memory_order_relaxed);  // relaxed: a sum
}

void Droppables::Audit(uint64_t dropped_by_reclaimer) {
  cache_->FreeRcuBarrier();
  cache_->Shrink();
  Errors& errors = world_.errors();
  if (const absl::Status status = cache_->CheckInvariants(); !status.ok()) {
    errors.Report(Error::kAudit, absl::StrFormat("droppables: %s", std::string(status.message())));
  }
  const size_t live = cache_->Stats().live;
  MutexLock lock(&mutex_);
  if (made_ != dropped_ + there_ || live != there_) {
    errors.Report(Error::kLeak, absl::StrFormat("%u objects were made, %u dropped, %u are there and %u live", made_,
                                                dropped_, there_, live));
  }
  const uint64_t by_hand = dropped_by_hand_.load(std::memory_order_relaxed);  // relaxed: at rest
  if (by_hand + dropped_by_reclaimer != dropped_) {
    errors.Report(Error::kAudit,
                  absl::StrFormat("%u objects were dropped: %u by hand and %u by the reclaimer, they say", dropped_,
                                  by_hand, dropped_by_reclaimer));
  }
}

}  // namespace mxa::torture
