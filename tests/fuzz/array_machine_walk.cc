// SPDX-License-Identifier: Apache-2.0
//
// The cursor's part of the machine. On one thread each step must give exactly what the map says by now, whatever changed
// since the last.
#include "tests/fuzz/array_machine.h"
#include "tests/fuzz/differs.h"

namespace mxa::fuzz {
namespace {

using xarray::Entry;
using xarray::kNull;
using xarray::Mark;
using xarray::MarkFilter;

constexpr uint64_t kLast = ~uint64_t{0};

}  // namespace

absl::Status ArrayMachine::RunOnCursor(const Step& step) {
  if (step.kind == StepKind::kCursor || !cursor_.has_value()) {
    section_.reset();
    section_.emplace();
    at_ = step.kind == StepKind::kCursor ? step.index : 0;
    cursor_.emplace(array_, at_);
    way_ = Way::kNone;
    exhausted_ = false;
    if (step.kind == StepKind::kCursor) return absl::OkStatus();
  }
  const MarkFilter marked = MarkFilter().With(step.mark);
  switch (step.kind) {
    case StepKind::kNext:
      return StepTo(true, MarkFilter(), step);
    case StepKind::kPrev:
      return StepTo(false, MarkFilter(), step);
    case StepKind::kNextMarked:
      return StepTo(true, marked, step);
    case StepKind::kPrevMarked:
      return StepTo(false, marked, step);
    case StepKind::kNextMatching:
      return StepTo(true, step.filter, step);
    case StepKind::kPrevMatching:
      return StepTo(false, step.filter, step);
    case StepKind::kNextIndex:
    case StepKind::kPrevIndex:
      return StepByIndex(step.kind == StepKind::kNextIndex);
    default:
      cursor_->Pause();
      section_.reset();
      section_.emplace();
      return absl::OkStatus();
  }
}

absl::Status ArrayMachine::StepByIndex(bool is_up) {
  if (way_ != Way::kNone) at_ = is_up ? at_ + 1 : at_ - 1;
  way_ = Way::kIndex;
  exhausted_ = false;
  const Entry got = is_up ? cursor_->NextIndex() : cursor_->PrevIndex();
  const absl::Status status = Same("step by index", at_, got, Read(at_));
  return status.ok() ? Same("the cursor's index", at_, cursor_->index(), at_) : status;
}

absl::Status ArrayMachine::StepTo(bool is_up, MarkFilter filter, const Step& step) {
  const Way way = is_up ? Way::kUp : Way::kDown;
  if (exhausted_ && way == way_) return absl::OkStatus();
  const uint64_t bound = step.index;
  const bool at_end = way_ != Way::kNone && at_ == (is_up ? kLast : 0);
  const uint64_t from = way_ == Way::kNone ? at_ : is_up ? at_ + 1 : at_ - 1;
  way_ = way;

  auto expected = oracle_.cend();
  if (!at_end) expected = is_up ? First(from, bound, filter) : Last(from, bound, filter);
  Entry got;
  if (step.kind == StepKind::kNextMarked) {
    got = cursor_->NextMarked(step.mark, bound);
  } else if (step.kind == StepKind::kPrevMarked) {
    got = cursor_->PrevMarked(step.mark, bound);
  } else if (step.kind == StepKind::kNext) {
    got = cursor_->Next(bound);
  } else if (step.kind == StepKind::kPrev) {
    got = cursor_->Prev(bound);
  } else {
    got = is_up ? cursor_->NextMatching(filter, bound) : cursor_->PrevMatching(filter, bound);
  }
  exhausted_ = expected == oracle_.cend();
  if (!exhausted_) at_ = expected->first;
  const absl::Status status = Same("step", at_, got, exhausted_ ? kNull : expected->second.entry);
  return status.ok() ? Same("the cursor's index", at_, cursor_->index(), at_) : status;
}

namespace {

bool Passes(xarray::Entry entry, unsigned marks, const MarkFilter& filter) {
  if (xarray::AsRead(entry) == kNull) return false;
  for (const Mark mark : xarray::kAllMarks) {
    const bool is_marked = (marks >> static_cast<unsigned>(mark) & 1) != 0;
    if (is_marked ? filter.Bars(mark) : filter.Asks(mark)) return false;
  }
  return true;
}

}  // namespace

ArrayMachine::Oracle::const_iterator ArrayMachine::First(uint64_t from, uint64_t last, const MarkFilter& filter) const {
  for (auto it = oracle_.lower_bound(from); it != oracle_.end() && it->first <= last; ++it) {
    if (Passes(it->second.entry, it->second.marks, filter)) return it;
  }
  return oracle_.end();
}

ArrayMachine::Oracle::const_iterator ArrayMachine::Last(uint64_t from, uint64_t first, const MarkFilter& filter) const {
  for (auto it = oracle_.upper_bound(from); it != oracle_.begin();) {
    --it;
    if (it->first < first) break;
    if (Passes(it->second.entry, it->second.marks, filter)) return it;
  }
  return oracle_.end();
}

uint64_t ArrayMachine::Count(uint64_t first, uint64_t last, Mark mark) const {
  uint64_t count = 0;
  for (auto it = oracle_.lower_bound(first); it != oracle_.end() && it->first <= last; ++it) {
    count += it->second.marks >> static_cast<unsigned>(mark) & 1;
  }
  return count;
}

absl::Status ArrayMachine::CompareWalk(MarkFilter filter) const {
  const reclaim::ReadSection section;
  xarray::Cursor cursor(array_, 0);
  for (const auto& [index, held] : oracle_) {
    if (!Passes(held.entry, held.marks, filter)) continue;
    const Entry got = filter.IsAny() ? cursor.Next(kLast) : cursor.NextMatching(filter, kLast);
    absl::Status status = Same("entry of a walk", index, got, held.entry);
    if (status.ok()) status = Same("place of a walk", index, cursor.index(), index);
    if (!status.ok()) return status;
  }
  return Same("end of a walk", cursor.index(), cursor.NextMatching(filter, kLast), kNull);
}

}  // namespace mxa::fuzz
