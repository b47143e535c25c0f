// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/cache_subject.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "slab/arena.h"
#include "slab/debug/debug_options.h"
#include "tests/fuzz/differs.h"
#include "tests/fuzz/subject_callbacks.h"

namespace mxa::fuzz {

CacheSubject::CacheSubject(const CacheSpec& spec, CacheWorld& world)
    : spec_(spec), world_(world), callbacks_(TakeCallbacks()) {
  callbacks_.Begin(spec_.object_size, spec_.has_destructor, world_.complaints);
  slab::CacheOptions options;
  options.name = "fuzz";
  options.object_size = spec_.object_size;
  options.alignment = spec_.alignment;
  if (spec_.has_constructor) {
    options.constructor = callbacks_.constructor;
    options.rcu_destructor = callbacks_.rcu_destructor;
  }
  if (spec_.has_destructor) options.destructor = callbacks_.destructor;
  if (spec_.is_movable) options.movable = this;
  options.arena = world_.arena;
  options.sheaf_capacity = spec_.sheaf_capacity;
  if (spec_.refills_pool) options.pool = world_.pool;
  if (spec_.has_notifier) options.notifiers = &notifier_.chain();
  if (spec_.has_faults) options.faults = &world_.cache_faults;
  options.debug = slab::DebugOptionsFor(spec_.debug.empty() ? "-" : spec_.debug, options.name).value();
  if (spec_.is_guarded) options.guard_interval = absl::Nanoseconds(1);
  if (!spec_.keeps_empty_slabs) options.empty_slab_delay = absl::ZeroDuration();
  cache_ = slab::Cache::Create(options).value();
}

CacheSubject::~CacheSubject() {
  prefilled_.reset();
  cache_.reset();
  if (spec_.has_constructor && callbacks_.rcu_destroyed != retired_ + retired_by_mover_) {
    world_.complaints.Add("a destructor after a grace period has not run, or twice", this);
  }
  if (spec_.has_destructor && callbacks_.constructed != callbacks_.destroyed) {
    world_.complaints.Add("as many objects were not destroyed as were constructed", this);
  }
  if (spec_.has_notifier && (notifier_.objects() != 0 || notifier_.slabs() != 0)) {
    world_.complaints.Add("the notifier has not heard of all that went", this);
  }
  callbacks_.is_taken = false;
}

size_t CacheSubject::held() const {
  MutexLock lock(&mutex_);
  return held_.size();
}

void* CacheSubject::AddressOf(size_t pick) const {
  MutexLock lock(&mutex_);
  return held_.empty() ? nullptr : held_[pick % held_.size()].at;
}

absl::Status CacheSubject::Adopt(void* object, bool is_zero) {
  if (object == nullptr) return absl::OkStatus();
  if (!world_.arena->Contains(object) && !world_.arena->InGuards(object)) {
    return absl::InternalError("an object outside the arena");
  }
  if (reinterpret_cast<uintptr_t>(object) % spec_.alignment != 0) return absl::InternalError("an object not aligned");
  if (!world_.extents.Add(object, spec_.object_size)) return absl::InternalError("memory handed out twice");
  FuzzObject here = At(object);
  if (spec_.has_constructor && !here.IsConstructed()) {
    return Differs("object handed out, its word", IdOf(here.word()), here.word(), WordOf(ObjectState::kConstructed, 0));
  }
  if (is_zero) {
    const auto* bytes = static_cast<const unsigned char*>(object);
    if (bytes[0] != 0 || std::memcmp(bytes, bytes + 1, spec_.object_size - 1) != 0) {
      return absl::InternalError("an object that is not zero");
    }
  }
  MutexLock lock(&mutex_);
  const uint64_t id = world_.next_id++;
  index_of_[id] = held_.size();
  held_.push_back({object, id});
  here.Write(ObjectState::kLive, id);
  return absl::OkStatus();
}

absl::Status CacheSubject::CheckHeld(const Held& held) const {
  const FuzzObject object = At(held.at);
  const uint64_t word = object.word();
  if (StateOf(word) != ObjectState::kLive || IdOf(word) != held.id) {
    return Differs("the word of object", held.id, word, WordOf(ObjectState::kLive, held.id));
  }
  if (!object.Proves(held.id))
    return absl::InternalError(absl::StrCat("the bytes of object ", held.id, " are others'"));
  return absl::OkStatus();
}

CacheSubject::Held CacheSubject::Remove(size_t index) {
  const Held held = held_[index];
  held_[index] = held_.back();
  index_of_[held_[index].id] = index;
  held_.pop_back();
  index_of_.erase(held.id);
  return held;
}

absl::Status CacheSubject::FreeOne(size_t index, Way way) {
  Held held;
  bool rcu;
  {
    MutexLock lock(&mutex_);
    if (absl::Status status = CheckHeld(held_[index]); !status.ok()) return status;
    held = Remove(index);
    rcu = way == Way::kRcu || read_.contains(held.id) || (way == Way::kByTurns && held.id % 3 == 0);
    FuzzObject object = At(held.at);
    if (rcu) {
      object.SetState(ObjectState::kRetired);
    } else if (spec_.has_constructor) {
      object.Write(ObjectState::kConstructed, 0);
    } else {
      object.SetState(ObjectState::kDestroyed);
    }
  }
  if (!world_.extents.Remove(held.at)) return absl::InternalError("an object that is nobody's");
  if (rcu) {
    ++retired_;
    cache_->FreeRcu(held.at);
  } else {
    cache_->Free(held.at);
  }
  return absl::OkStatus();
}

absl::Status CacheSubject::Release(Way way, size_t pick, size_t count) {
  std::vector<void*> bulk;
  for (size_t i = 0; i < count; ++i) {
    size_t index;
    {
      MutexLock lock(&mutex_);
      if (held_.empty()) break;
      index = (pick + i) % held_.size();
      if (way == Way::kBulk && !read_.contains(held_[index].id)) {
        if (absl::Status status = CheckHeld(held_[index]); !status.ok()) return status;
        const Held held = Remove(index);
        if (spec_.has_constructor) At(held.at).Write(ObjectState::kConstructed, 0);
        if (!world_.extents.Remove(held.at)) return absl::InternalError("an object that is nobody's");
        bulk.push_back(held.at);
        // From here to the end of the bulk it is constructed, allocated and nobody's.
        ++allocating_;
        continue;
      }
    }
    if (absl::Status status = FreeOne(index, way); !status.ok()) return status;
  }
  cache_->FreeBulk(bulk);
  allocating_ -= static_cast<int>(bulk.size());
  return absl::OkStatus();
}

absl::Status CacheSubject::Thin(size_t keep) {
  for (size_t index = held(); index-- > 0;) {
    if (index % keep == 0) continue;
    if (absl::Status status = FreeOne(index, Way::kByTurns); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CacheSubject::Empty() {
  prefilled_.reset();
  while (held() != 0) {
    if (absl::Status status = FreeOne(held() - 1, Way::kByTurns); !status.ok()) return status;
  }
  return absl::OkStatus();
}

void CacheSubject::SetAnswer(size_t pick, size_t count, Answer answer) {
  MutexLock lock(&mutex_);
  for (size_t i = 0; i < count && !held_.empty(); ++i) {
    const Held& held = held_[(pick + i) % held_.size()];
    At(held.at).SetWord(WordOf(ObjectState::kLive, held.id, answer));
  }
}

void CacheSubject::Unread() {
  MutexLock lock(&mutex_);
  read_.clear();
}

HeldSection::Check CacheSubject::ReadSome(size_t pick, size_t count) {
  std::vector<Held> read;
  MutexLock lock(&mutex_);
  for (size_t i = 0; i < std::min(count, held_.size()); ++i) read.push_back(held_[(pick + i) % held_.size()]);
  for (const Held& held : read) read_.insert(held.id);
  return [read, size = spec_.object_size]() -> absl::Status {
    for (const Held& held : read) {
      const FuzzObject object(held.at, size);
      const uint64_t word = object.word();
      const ObjectState state = StateOf(word);
      const bool is_there =
          state == ObjectState::kLive || state == ObjectState::kRetired || state == ObjectState::kMovedAway;
      if (!is_there || IdOf(word) != held.id || !object.Proves(held.id)) {
        return Differs("what a reader holds of object", held.id, word, WordOf(ObjectState::kLive, held.id));
      }
    }
    return absl::OkStatus();
  };
}

}  // namespace mxa::fuzz
