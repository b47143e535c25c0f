// SPDX-License-Identifier: Apache-2.0
//
// The paths of an object in a cache with hooks (cache_hooks.h): the plain ones, with the hooks around them.
#include "base/check.h"
#include "base/planted_bug.h"
#include "slab/cache_core.h"
#include "slab/notifier.h"

namespace mxa::slab {

// The last steps of an allocation, or none of them when a handler vetoes it.
void* CacheCore::HandOut(void* object) {
  Consent consent(options_.notifiers, {CacheEventKind::kAllocate, options_.name, object, options_.object_size});
  if (!consent.granted()) {
    counters_.Add(Count::kVeto);
    if (!PlantedBugIs(PlantedBug::kVetoLeaks)) FreeObject(object);
    return nullptr;
  }
  if (hooks_->debug != nullptr && !arena_.InGuards(object)) {
    hooks_->debug->OnAllocate(object);
    if (hooks_->debug->reconstruct()) options_.constructor(object);
  }
  consent.Commit();
  return object;
}

void* CacheCore::AllocateHooked(AllocFlags flags) {
  if (hooks_->ShouldFail()) {
    counters_.Add(Count::kAllocFailed);
    return nullptr;
  }
  void* object = AllocateObject(flags);
  return object == nullptr ? nullptr : HandOut(object);
}

// What a free and a retirement begin with.
void CacheCore::TellFree(void* object) {
  if (hooks_->debug != nullptr && !arena_.InGuards(object)) store_.RequireOwn(object);
  if (options_.notifiers == nullptr) return;
  options_.notifiers->Tell({CacheEventKind::kFree, options_.name, object, options_.object_size});
}

void CacheCore::FreeHooked(void* object) {
  TellFree(object);
  if (hooks_->debug != nullptr && !arena_.InGuards(object)) {
    if (hooks_->debug->reconstruct() && options_.destructor != nullptr) {
      // Else a second free would destroy what is not there.
      MXA_CHECK(hooks_->debug->State(object) == ObjectState::kLive, "free of an object that is not live");
      options_.destructor(object);
    }
    hooks_->debug->OnFree(object);
  }
  FreeObject(object);
}

void CacheCore::RecycleChecked(void* object) {
  if (hooks_->debug == nullptr) return;
  // What is constructed at each allocation is in a cache that cannot be moved, and so never in a slab that a pass marked.
  if (hooks_->debug->reconstruct() && options_.destructor != nullptr) options_.destructor(object);
  hooks_->debug->OnRecycle(object);
}

void CacheCore::RecycleHooked(Sheaf& sheaf) {
  size_t kept = 0;
  for (void* object : sheaf.span()) {
    RecycleChecked(object);
    if (hooks_->quarantine != nullptr) object = hooks_->quarantine->Push(object);
    if (object != nullptr) sheaf.objects()[kept++] = object;
  }
  sheaf.set_size(kept);
}

void CacheCore::ReserveDestinations(absl::Span<void* const> destinations) {
  if (hooks_ == nullptr || hooks_->debug == nullptr) return;
  for (void* object : destinations) hooks_->debug->OnReserve(object);
}

void CacheCore::ReturnDestinations(absl::Span<void* const> destinations) {
  if (hooks_ != nullptr && hooks_->debug != nullptr) {
    for (void* object : destinations) hooks_->debug->OnFree(object);
  }
  store_.Return(destinations);
}

void CacheCore::RecordMoves(absl::Span<void* const> moved, absl::Span<void* const> destinations) {
  if (hooks_ == nullptr || hooks_->debug == nullptr) return;
  for (size_t i = 0; i < moved.size(); ++i) hooks_->debug->OnMove(moved[i], destinations[i]);
}

void CacheCore::RecycleMoved(absl::Span<void* const> moved) {
  if (hooks_ == nullptr || hooks_->debug == nullptr) return;
  for (void* object : moved) hooks_->debug->OnRecycle(object);
}

void CacheCore::DrainQuarantine(std::vector<void*>& marked) {
  if (hooks_ == nullptr || hooks_->quarantine == nullptr) return;
  hooks_->quarantine->TakeIf([this](const void* object) { return Bypasses(object); }, marked);
}

void CacheCore::FlushQuarantine() {
  if (hooks_ == nullptr || hooks_->quarantine == nullptr) return;
  std::vector<void*> held;
  hooks_->quarantine->TakeAll(held);
  store_.Return(held);
}

}  // namespace mxa::slab
