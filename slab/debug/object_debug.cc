// SPDX-License-Identifier: Apache-2.0
#include "slab/debug/object_debug.h"

#include <sched.h>

#include <cstdio>
#include <cstdlib>
#include <new>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"

namespace mxa::slab {
namespace {

// The state words. Random, so that neither text nor numbers nor pointers written over one pass for another.
constexpr uint64_t kFreeWord = 0x9f1c5ae3d07b4486;
constexpr uint64_t kReservedWord = 0x4be86d12f3a9c735;
constexpr uint64_t kLiveWord = 0xc3752e9b186ad05f;
constexpr uint64_t kRetiredWord = 0x70da93c64e2f1bb9;
constexpr uint64_t kHeldWord = 0xe64f081dab95723c;

ObjectState StateOf(uint64_t word) {
  switch (word) {
    case kFreeWord:
      return ObjectState::kFree;
    case kReservedWord:
      return ObjectState::kReserved;
    case kLiveWord:
      return ObjectState::kLive;
    case kRetiredWord:
      return ObjectState::kRetired;
    default:
      return ObjectState::kCorrupt;
  }
}

uint64_t WordOf(ObjectState state) {
  switch (state) {
    case ObjectState::kFree:
      return kFreeWord;
    case ObjectState::kReserved:
      return kReservedWord;
    case ObjectState::kLive:
      return kLiveWord;
    case ObjectState::kRetired:
      return kRetiredWord;
    case ObjectState::kCorrupt:
      break;
  }
  MXA_CHECK(false, "no word stands for a corrupt state");
  return 0;
}

bool InUse(ObjectState state) { return state == ObjectState::kLive || state == ObjectState::kReserved; }

}  // namespace

const char* ObjectStateName(ObjectState state) {
  switch (state) {
    case ObjectState::kFree:
      return "free";
    case ObjectState::kReserved:
      return "reserved";
    case ObjectState::kLive:
      return "live";
    case ObjectState::kRetired:
      return "retired";
    case ObjectState::kCorrupt:
      break;
  }
  return "corrupt";
}

ObjectDebug::ObjectDebug(Config config)
    : config_(std::move(config)),
      layout_(ObjectLayout::For(config_.object_size, config_.alignment, config_.options)),
      bytes_(layout_, config_.options.red_zones, poisons()) {
  MXA_CHECK(config_.options.checks_objects(), "object checks for a cache that asks for none");
}

std::atomic<uint64_t>& ObjectDebug::StateWord(const void* object) const {
  void* record = static_cast<char*>(const_cast<void*>(object)) + layout_.record_offset;
  return *std::launder(static_cast<std::atomic<uint64_t>*>(record));
}

OwnerTrack& ObjectDebug::Track(const void* object, Step step) const {
  auto* tracks = reinterpret_cast<OwnerTrack*>(&StateWord(object) + 1);
  return std::launder(tracks)[static_cast<size_t>(step)];
}

ObjectState ObjectDebug::Hold(const void* object) const {
  std::atomic<uint64_t>& word = StateWord(object);
  for (;;) {
    // Relaxed: the exchange below is what orders.
    uint64_t seen = word.load(std::memory_order_relaxed);
    if (seen == kHeldWord) {
      sched_yield();
      continue;
    }
    const ObjectState state = StateOf(seen);
    if (state == ObjectState::kCorrupt) return state;
    // ORDER(object-state) acquire; pairs with release in Release: this step sees the bytes and tracks of the last one.
    if (word.compare_exchange_weak(seen, kHeldWord, std::memory_order_acquire, std::memory_order_relaxed)) return state;
  }
}

void ObjectDebug::Release(const void* object, ObjectState state) const {
  // ORDER(object-state) release; pairs with acquire in Hold.
  StateWord(object).store(WordOf(state), std::memory_order_release);
}

void ObjectDebug::Record(void* object, Step step, const OwnerTrack& track) const {
  if (config_.options.track_owner) Track(object, step) = track;
}

void ObjectDebug::RequireBytes(const void* object, ObjectState state) const {
  const std::optional<ByteFault> fault = bytes_.FindFault(object, state != ObjectState::kFree);
  if (fault) Report(fault->what, object, state, fault->ToString());
}

void ObjectDebug::OnNewSlabObject(void* object) {
  bytes_.SetFree(object);
  void* record = static_cast<char*>(object) + layout_.record_offset;
  auto* word = new (record) std::atomic<uint64_t>(kHeldWord);
  if (config_.options.track_owner) {
    for (size_t i = 0; i < 2; ++i) new (reinterpret_cast<OwnerTrack*>(word + 1) + i) OwnerTrack;
  }
  Release(object, ObjectState::kFree);
}

void ObjectDebug::TakeFree(void* object, ObjectState to) const {
  const OwnerTrack track = Capture();
  const ObjectState state = Hold(object);
  if (state != ObjectState::kFree) Report("allocation of an object that is not free", object, state);
  RequireBytes(object, state);
  bytes_.SetInUse(object);
  Record(object, Step::kAllocation, track);
  Release(object, to);
}

void ObjectDebug::OnAllocate(void* object) { TakeFree(object, ObjectState::kLive); }

void ObjectDebug::OnReserve(void* object) { TakeFree(object, ObjectState::kReserved); }

void ObjectDebug::OnFree(void* object) {
  const OwnerTrack track = Capture();
  const ObjectState state = Hold(object);
  if (!InUse(state)) Report("double free", object, state);
  RequireBytes(object, state);
  bytes_.SetFree(object);
  Record(object, Step::kFree, track);
  Release(object, ObjectState::kFree);
}

void ObjectDebug::OnRetire(void* object) {
  const OwnerTrack track = Capture();
  const ObjectState state = Hold(object);
  if (!InUse(state)) Report("double free", object, state);
  RequireBytes(object, state);
  Record(object, Step::kFree, track);
  Release(object, ObjectState::kRetired);
}

void ObjectDebug::OnRecycle(void* object) {
  const ObjectState state = Hold(object);
  if (state != ObjectState::kRetired) Report("recycling of an object that is not retired", object, state);
  RequireBytes(object, state);
  bytes_.SetFree(object);
  Release(object, ObjectState::kFree);
}

void ObjectDebug::OnMove(void* from, void* to) {
  const OwnerTrack track = Capture();
  // One state word at a time: nothing to deadlock on.
  const ObjectState from_state = Hold(from);
  if (!InUse(from_state)) Report("move of an object that is not live", from, from_state);
  RequireBytes(from, from_state);
  const OwnerTrack owner = config_.options.track_owner ? Track(from, Step::kAllocation) : OwnerTrack{};
  Record(from, Step::kFree, track);
  Release(from, ObjectState::kRetired);

  const ObjectState to_state = Hold(to);
  if (to_state == ObjectState::kCorrupt) Report("record overwritten", to, to_state);
  if (to_state != ObjectState::kReserved) {
    // Published, and freed by its new user already; it may be someone else's by now.
    Release(to, to_state);
    return;
  }
  RequireBytes(to, to_state);
  Record(to, Step::kAllocation, owner);
  Release(to, ObjectState::kLive);
}

absl::Status ObjectDebug::Check(const void* object) const {
  const ObjectState state = Hold(object);
  if (state == ObjectState::kCorrupt) {
    return absl::InternalError(absl::StrCat("D6: ", Line("record overwritten", object, state, "")));
  }
  const std::optional<ByteFault> fault = bytes_.FindFault(object, state != ObjectState::kFree);
  Release(object, state);
  if (!fault) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(state == ObjectState::kFree ? "D4: " : "D5: ", Line(fault->what, object, state, fault->ToString())));
}

ObjectState ObjectDebug::State(const void* object) const {
  const ObjectState state = Hold(object);
  if (state != ObjectState::kCorrupt) Release(object, state);
  return state;
}

OwnerTrack ObjectDebug::Trace(const void* object, Step step) const {
  if (!config_.options.track_owner) return {};
  const ObjectState state = Hold(object);
  if (state == ObjectState::kCorrupt) return {};
  const OwnerTrack track = Track(object, step);
  Release(object, state);
  return track;
}

OwnerTrack ObjectDebug::AllocationTrace(const void* object) const { return Trace(object, Step::kAllocation); }

OwnerTrack ObjectDebug::FreeTrace(const void* object) const { return Trace(object, Step::kFree); }

std::string ObjectDebug::Line(const char* what, const void* object, ObjectState state,
                              const std::string& detail) const {
  const void* slab = config_.slab_of ? config_.slab_of(object) : nullptr;
  return absl::StrFormat("%s: cache %s, object %p, slab %p (%s)%s%s", what, config_.cache_name, object, slab,
                         ObjectStateName(state), detail.empty() ? "" : ": ", detail);
}

void ObjectDebug::Report(const char* what, const void* object, ObjectState state, const std::string& detail) const {
  // A state word that is none says more than the step that met it.
  const bool corrupt = state == ObjectState::kCorrupt;
  std::string text = absl::StrCat("mxa: ", Line(corrupt ? "record overwritten" : what, object, state, detail), "\n");
  if (config_.options.track_owner && !corrupt) {
    absl::StrAppend(&text, Track(object, Step::kAllocation).Describe("allocated"));
    absl::StrAppend(&text, Track(object, Step::kFree).Describe("freed"));
    absl::StrAppend(&text, OwnerTrack::Capture().Describe("found"));
  }
  std::fputs(text.c_str(), stderr);
  std::abort();
}

}  // namespace mxa::slab
