// SPDX-License-Identifier: Apache-2.0
//
// The steps of the map, whose values move, and of the array that owns its elements; and who reads both.
#include "tests/fuzz/differs.h"
#include "tests/fuzz/mix_machine.h"

namespace mxa::fuzz {
namespace {

using Kind = MixStepKind;

constexpr size_t kMostValues = 3000;

absl::Status Proof(const char* what, uint64_t index, const Stamp* stamp, uint64_t id) {
  if (stamp == nullptr) return Differs(what, index, 0, id);
  return stamp->Proves(id) ? absl::OkStatus() : Differs(what, index, stamp->id, id);
}

}  // namespace

absl::Status MixMachine::RunOnMap(const MixStep& step) {
  if (step.kind == Kind::kMapEraseRange) {
    map_->EraseRange(step.index, step.last);
    map_model_.erase(map_model_.lower_bound(step.index), map_model_.upper_bound(step.last));
    return absl::OkStatus();
  }
  absl::Status status;
  uint64_t index = step.index;
  for (unsigned i = 0; i < step.count && status.ok(); ++i, index += step.stride) {
    if (i != 0 && index < step.stride) break;  // beyond the last index
    const bool is_there = map_model_.contains(index);
    if (step.kind == Kind::kMapErase) {
      status = Same("map.Erase", index, map_->Erase(index), is_there);
      map_model_.erase(index);
      continue;
    }
    if (map_model_.size() >= kMostValues) break;
    const uint64_t id = next_id_++;
    absl::Status done;
    if (step.kind == Kind::kMapStore) {
      const absl::StatusOr<bool> replaced = map_->Store(index, Stamp(id));
      done = replaced.status();
      if (replaced.ok()) status = Same("map.Store", index, *replaced, is_there);
    } else if (step.kind == Kind::kMapInsert) {
      done = map_->Insert(index, Stamp(id));
      if (!absl::IsResourceExhausted(done)) status = Same("map.Insert", index, done.ok(), !is_there);
    } else {
      done = map_->Update(index, [id](Stamp& stamp) { stamp = Stamp(id); });
      if (!absl::IsResourceExhausted(done)) status = Same("map.Update", index, done.ok(), is_there);
    }
    if (absl::IsResourceExhausted(done)) status = Excused(done);
    if (done.ok()) map_model_[index].id = id;
  }
  return status;
}

absl::Status MixMachine::RunOnOwner(const MixStep& step) {
  if (step.kind == Kind::kOwnEraseRange) {
    owner_->EraseRange(step.index, step.last);
    owner_model_.erase(owner_model_.lower_bound(step.index), owner_model_.upper_bound(step.last));
    return absl::OkStatus();
  }
  absl::Status status;
  uint64_t index = step.index;
  for (unsigned i = 0; i < step.count && status.ok(); ++i, index += step.stride) {
    if (i != 0 && index < step.stride) break;  // beyond the last index
    const bool is_there = owner_model_.contains(index);
    if (step.kind == Kind::kOwnErase) {
      status = Same("own.Erase", index, owner_->Erase(index), is_there);
      owner_model_.erase(index);
      continue;
    }
    if (owner_model_.size() >= kMostValues) break;
    const uint64_t id = next_id_++;
    absl::Status done;
    if (step.kind == Kind::kOwnEmplace) {
      const absl::StatusOr<bool> replaced = owner_->Emplace(index, id);
      done = replaced.status();
      if (replaced.ok()) status = Same("own.Emplace", index, *replaced, is_there);
    } else {
      done = owner_->TryEmplace(index, id);
      if (!absl::IsResourceExhausted(done)) status = Same("own.TryEmplace", index, done.ok(), !is_there);
    }
    if (absl::IsResourceExhausted(done)) status = Excused(done);
    if (done.ok()) owner_model_[index].id = id;
  }
  return status;
}

absl::Status MixMachine::CheckValues() const {
  const reclaim::ReadSection section;
  MovableMapCursor<Stamp> values(*map_, 0);
  absl::Status status = Same("the map's size", 0, map_->size(), map_model_.size());
  for (const auto& [index, entry] : map_model_)
    status.Update(Proof("a walk over the map", index, values.Next(), entry.id));
  if (status.ok() && values.Next() != nullptr) status = absl::InternalError("a walk over the map does not end");
  OwningXArrayCursor<OwnedStamp> elements(*owner_, 0);
  for (const auto& [index, entry] : owner_model_) {
    status.Update(Proof("a walk over the owning array", index, elements.Next(), entry.id));
  }
  if (status.ok() && elements.Next() != nullptr)
    status = absl::InternalError("a walk over owned elements does not end");
  return status;
}

HeldSection::Check MixMachine::ReadSome(unsigned pick) const {
  constexpr size_t kAtMost = 12;  // of each
  struct Read {
    uint64_t index;
    const Stamp* stamp;
    uint64_t id;
  };
  std::vector<Read> read;
  const auto read_some = [&](const Model& model, auto find) {
    auto at = model.lower_bound(pick % 64);
    for (size_t i = 0; i < kAtMost && at != model.end(); ++i, ++at) {
      read.push_back({at->first, find(at->first), at->second.id});
    }
  };
  read_some(map_model_, [&](uint64_t index) { return map_->Find(index); });
  read_some(owner_model_, [&](uint64_t index) -> const Stamp* { return owner_->Load(index); });
  return [read] {
    absl::Status status;
    for (const Read& each : read) status.Update(Proof("what a reader holds", each.index, each.stamp, each.id));
    return status;
  };
}

}  // namespace mxa::fuzz
