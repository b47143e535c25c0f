// SPDX-License-Identifier: Apache-2.0
//
// The owner's side of a pass over a cache under test.
#include "base/check.h"
#include "slab/arena.h"
#include "tests/fuzz/cache_subject.h"

namespace mxa::fuzz {

using reclaim::MoveResult;

bool CacheSubject::CanFree(absl::Span<void*> objects) {
  for (void*& object : objects) {
    const uint64_t word = At(object).word();
    // What a prefilled sheaf holds is allocated, and nobody's.
    if (StateOf(word) == ObjectState::kConstructed && allocating_ == 0 && !prefilled_.has_value()) {
      world_.complaints.Add("CanFree is shown an object that is free", object);
    }
    if (StateOf(word) != ObjectState::kLive || AnswerOf(word) == Answer::kKeptBack) object = nullptr;
  }
  if (refusals_ <= 0) return true;
  --refusals_;
  return false;
}

void CacheSubject::Reclaim(absl::Span<void*> objects, reclaim::MoveTarget& target) {
  for (void* object : objects) {
    if (object == nullptr) continue;
    target.BetweenObjects();
    target.Settle(object, MoveOne(object, target));
  }
}

MoveResult CacheSubject::MoveOne(void* object, reclaim::MoveTarget& target) {
  // Only tried, as an owner's lock.
  if (!mutex_.TryLock()) return MoveResult::kBusy;
  bool is_dropped = false;
  const MoveResult result = MoveOneLocked(object, target, is_dropped);
  mutex_.Unlock();
  // Relaxed: a request, not a message.
  if (result == MoveResult::kMoved && AnswerOf(At(object).word()) == Answer::kCancels) {
    world_.cancel.store(true, std::memory_order_relaxed);
  }
  if (!is_dropped) return result;
  if (StateOf(At(object).word()) == ObjectState::kRetired) {
    ++retired_by_mover_;
    cache_->FreeRcu(object);
  } else {
    cache_->Free(object);
  }
  return result;
}

MoveResult CacheSubject::MoveOneLocked(void* object, reclaim::MoveTarget& target, bool& is_dropped) {
  FuzzObject from = At(object);
  const uint64_t word = from.word();
  if (StateOf(word) != ObjectState::kLive) return MoveResult::kGone;
  const auto found = index_of_.find(IdOf(word));
  if (found == index_of_.end() || held_[found->second].at != object) {
    world_.complaints.Add("a live object that nobody has", object);
    return MoveResult::kBusy;
  }
  const Answer answer = AnswerOf(word);
  if (answer == Answer::kPinned) return MoveResult::kPinned;
  if (answer == Answer::kBusy || target.unpin_only()) return MoveResult::kBusy;
  if (answer == Answer::kFrees || answer == Answer::kRetires) {
    is_dropped = true;
    static_cast<void>(Remove(found->second));
    if (!world_.extents.Remove(object)) world_.complaints.Add("an object that is nobody's", object);
    if (answer == Answer::kRetires || read_.contains(IdOf(word))) {
      from.SetState(ObjectState::kRetired);
    } else {
      from.Write(ObjectState::kConstructed, 0);
    }
    return MoveResult::kGone;
  }
  void* const destination = target.destination_for(object);
  if (destination == nullptr) return MoveResult::kBusy;
  CheckMove(object, destination);
  At(destination).Write(ObjectState::kLive, IdOf(word), answer);
  held_[found->second].at = destination;
  from.SetState(ObjectState::kMovedAway);
  ++moved_;
  return MoveResult::kMoved;
}

void CacheSubject::CheckMove(void* object, void* destination) {
  if (!At(destination).IsConstructed()) {
    world_.complaints.Add("a destination that is not constructed", destination);
  }
  if (!At(object).Proves(IdOf(At(object).word()))) {
    world_.complaints.Add("an object that does not prove itself", object);
  }
  if (reinterpret_cast<uintptr_t>(destination) - world_.closed_begin < world_.closed_end - world_.closed_begin) {
    world_.complaints.Add("a destination in the range that is evacuated", destination);
  }
  if (world_.to_node >= 0 && world_.arena->NodeOf(world_.arena->SlabOf(destination)) != world_.to_node) {
    world_.complaints.Add("a destination on another node", destination);
  }
  if (!world_.extents.Remove(object) || !world_.extents.Add(destination, spec_.object_size)) {
    world_.complaints.Add("a destination that is somebody's", destination);
  }
}

bool CacheSubject::Order(absl::Span<void* const> objects, absl::Span<reclaim::OrderKey> keys) {
  for (size_t i = 0; i < objects.size(); ++i) {
    const uint64_t word = At(objects[i]).word();
    if (StateOf(word) == ObjectState::kLive) keys[i] = {this, IdOf(word), 0};
  }
  return true;
}

}  // namespace mxa::fuzz
