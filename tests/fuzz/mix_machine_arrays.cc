// SPDX-License-Identifier: Apache-2.0
//
// The steps of arrays of numbers and of the Ida.
#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "tests/fuzz/differs.h"
#include "tests/fuzz/mix_machine.h"

namespace mxa::fuzz {
namespace {

using Kind = MixStepKind;

constexpr uint64_t kLast = ~uint64_t{0};
// All arrays together: enough for some slabs of nodes.
constexpr size_t kMostEntries = 6000;

}  // namespace

absl::Status MixMachine::StoreOne(XArray<Value>& array, Model& model, uint64_t index) {
  const auto found = model.find(index);
  const uint64_t was = found == model.end() ? 0 : found->second.id;
  const uint64_t id = next_id_++;
  const auto replaced = array.Store(index, id);
  if (!replaced.ok()) return Excused(replaced.status());
  model[index].id = id;
  return Same("Store", index, replaced->value_or(0), was);
}

absl::Status MixMachine::RunOnArray(const MixStep& step) {
  XArray<Value>& array = *arrays_[step.array];
  Model& model = models_[step.array];
  if (step.kind == Kind::kWalk) return Walk(array, model, step.index);
  if (step.kind == Kind::kEraseRange) {
    const absl::Status status = array.EraseRange(step.index, step.last);
    if (!status.ok()) return status;
    model.erase(model.lower_bound(step.index), model.upper_bound(step.last));
    return absl::OkStatus();
  }
  absl::Status status;
  uint64_t index = step.index;
  for (unsigned i = 0; i < step.count && status.ok(); ++i, index += step.stride) {
    if (i != 0 && index < step.stride) break;  // beyond the last index
    const auto found = model.find(index);
    const bool is_there = found != model.end();
    switch (step.kind) {
      case Kind::kStore:
        if (model.size() < kMostEntries) status = StoreOne(array, model, index);
        break;
      case Kind::kInsert: {
        if (model.size() >= kMostEntries) break;
        const uint64_t id = next_id_++;
        const absl::Status inserted = array.Insert(index, id);
        if (absl::IsResourceExhausted(inserted)) {
          status = Excused(inserted);
          break;
        }
        status = Same("Insert", index, absl::IsAlreadyExists(inserted), is_there);
        if (inserted.ok()) model[index].id = id;
        break;
      }
      case Kind::kErase:
        status = Same("Erase", index, array.Erase(index).value_or(0), is_there ? found->second.id : 0);
        model.erase(index);
        break;
      case Kind::kSetMark:
        status = Same("SetMark", index, array.SetMark(index, Mark::k0), is_there);
        if (is_there) found->second.is_marked = true;
        break;
      default:
        array.ClearMark(index, Mark::k0);
        if (is_there) found->second.is_marked = false;
        break;
    }
  }
  return status;
}

absl::Status MixMachine::StoreMany(const MixStep& step) {
  XArray<Value>& array = *arrays_[step.array];
  Model& model = models_[step.array];
  if (model.size() >= kMostEntries) return absl::OkStatus();
  std::vector<uint64_t> indices;
  std::vector<std::optional<uint64_t>> elements;
  for (uint64_t index = step.index; indices.size() < step.count; index += step.stride) {
    if (!indices.empty() && index < indices.back()) break;  // beyond the last index
    indices.push_back(index);
    elements.push_back(next_id_++);
  }
  const absl::Status status = array.StoreMany(indices, elements);
  if (!status.ok()) return Excused(status);
  for (size_t i = 0; i < indices.size(); ++i) model[indices[i]].id = *elements[i];
  return absl::OkStatus();
}

absl::Status MixMachine::Walk(const XArray<Value>& array, const Model& model, uint64_t from) const {
  const reclaim::ReadSection section;
  XArrayCursor<Value> cursor(array, from);
  for (auto expected = model.lower_bound(from); expected != model.end(); ++expected) {
    const std::optional<uint64_t> element = cursor.Next();
    if (!element.has_value()) return absl::InternalError(absl::StrCat("a walk ends before ", expected->first));
    absl::Status status = Same("a walk's index", expected->first, cursor.index(), expected->first);
    if (status.ok()) status = Same("a walk's element", expected->first, *element, expected->second.id);
    if (status.ok()) {
      status = Same("a mark", expected->first, array.GetMark(expected->first, Mark::k0), expected->second.is_marked);
    }
    if (!status.ok()) return status;
  }
  return cursor.Next().has_value() ? absl::InternalError("a walk does not end") : absl::OkStatus();
}

absl::Status MixMachine::Next(unsigned count) {
  const Model& model = models_[cursor_array_];
  for (unsigned i = 0; i < count && cursor_.has_value(); ++i) {
    const auto expected = model.lower_bound(cursor_from_);
    const std::optional<uint64_t> element = cursor_->Next();
    if (expected == model.end() || !element.has_value()) {
      cursor_.reset();
      return Same("whether the cursor ends", cursor_from_, !element.has_value(), expected == model.end());
    }
    absl::Status status = Same("the cursor's index", cursor_from_, cursor_->index(), expected->first);
    if (status.ok()) status = Same("the cursor's element", expected->first, *element, expected->second.id);
    if (!status.ok()) return status;
    cursor_from_ = expected->first + 1;
    if (expected->first == kLast) cursor_.reset();
  }
  return absl::OkStatus();
}

absl::Status MixMachine::RunOnIda(const MixStep& step) {
  absl::Status status;
  for (unsigned i = 0; i < step.count && status.ok(); ++i) {
    if (step.kind == Kind::kIdFree) {
      if (ids_.empty()) return absl::OkStatus();
      auto chosen = ids_.lower_bound(step.pick + step.index);
      if (chosen == ids_.end()) chosen = ids_.begin();
      ida_->Free(*chosen);
      status = Same("Exists after Free", *chosen, ida_->Exists(*chosen), false);
      ids_.erase(chosen);
      continue;
    }
    if (ids_.size() >= kMostEntries) return absl::OkStatus();
    uint64_t lowest = step.index;
    auto at = ids_.lower_bound(lowest);
    bool is_full = false;
    for (; at != ids_.end() && *at == lowest && !is_full; ++at) is_full = lowest++ == kLast;
    const auto got = ida_->Allocate({.min = step.index});
    if (absl::IsResourceExhausted(got.status())) return Excused(got.status());
    if (is_full || !got.ok()) return Same("Allocate of what is full", step.index, got.ok(), !is_full);
    ids_.insert(lowest);
    status = Same("Allocate", step.index, *got, lowest);
  }
  return status;
}

}  // namespace mxa::fuzz
