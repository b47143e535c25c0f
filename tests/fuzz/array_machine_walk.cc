// SPDX-License-Identifier: Apache-2.0
//
// The cursor's part of the machine. On one thread each step must give exactly what the map says by now, whatever changed
// since the last.
#include <algorithm>

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
    next_ = at_;
    ends_ = false;
    is_unmet_ = true;
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
    case StepKind::kReload:
      return Same("Reload", at_, cursor_->Reload(), Read(at_));
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
  is_unmet_ = Read(at_) == kNull;
  const Entry got = is_up ? cursor_->NextIndex() : cursor_->PrevIndex();
  const absl::Status status = Same("step by index", at_, got, Read(at_));
  return status.ok() ? Same("the cursor's index", at_, cursor_->index(), at_) : status;
}

absl::Status ArrayMachine::StepTo(bool is_up, MarkFilter filter, const Step& step) {
  const Way way = is_up ? Way::kUp : Way::kDown;
  if (exhausted_ && way == way_) return absl::OkStatus();
  const uint64_t bound = step.index;
  if (way != way_ && way_ != Way::kNone) {  // on from at_, which is not looked at again
    ends_ = at_ == (is_up ? kLast : 0);
    next_ = is_up ? at_ + 1 : at_ - 1;
  }
  way_ = way;

  Met expected;
  if (!ends_) expected = is_up ? MeetUp(next_, bound, filter) : MeetDown(next_, bound, filter);
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
  exhausted_ = expected.entry == kNull;
  if (!exhausted_) {
    at_ = expected.index;
    next_ = expected.next;
    ends_ = expected.ends;
    is_unmet_ = false;
  }
  const absl::Status status = Same("step", at_, got, expected.entry);
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

// An entry that has an index before `from` is met at `from`, unless it is the one that was met at at_. A walk that meets an
// entry in its first slot goes on behind that slot: what the others are split into by then are entries to be met.
ArrayMachine::Met ArrayMachine::MeetUp(uint64_t from, uint64_t last, const MarkFilter& filter) const {
  for (auto it = oracle_.FindFrom(from); it != oracle_.map().end() && std::max(it->first, from) <= last; ++it) {
    const auto& [first, held] = *it;
    if (!Passes(held.entry, held.marks, filter)) continue;
    if (!is_unmet_ && at_ < from && first <= at_) continue;
    const uint64_t met = std::max(first, from);
    const uint64_t slot = first | xarray::MaxIndex(xarray::ShapeOf(held.order).height - 1);
    const uint64_t end = met <= slot ? slot : tests::OrderOracle::LastOf(first, held);
    return {met, end + 1, end == kLast, held.entry};
  }
  return {};
}

// At its first index, or the lowest within the bound.
ArrayMachine::Met ArrayMachine::MeetDown(uint64_t from, uint64_t first, const MarkFilter& filter) const {
  if (from < first) return {};
  for (auto it = oracle_.map().upper_bound(from); it != oracle_.map().begin();) {
    --it;
    const auto& [begin, held] = *it;
    if (tests::OrderOracle::LastOf(begin, held) < first) break;
    if (Passes(held.entry, held.marks, filter)) return {std::max(begin, first), begin - 1, begin == 0, held.entry};
  }
  return {};
}

// An entry that has indices on both sides of a bound counts.
uint64_t ArrayMachine::Count(uint64_t first, uint64_t last, Mark mark) const {
  uint64_t count = 0;
  if (first > last) return 0;
  for (auto it = oracle_.FindFrom(first); it != oracle_.map().end() && it->first <= last; ++it) {
    count += it->second.marks >> static_cast<unsigned>(mark) & 1;
  }
  return count;
}

absl::Status ArrayMachine::CompareWalk(MarkFilter filter) const {
  const reclaim::ReadSection section;
  xarray::Cursor cursor(array_, 0);
  for (const auto& [index, held] : oracle_.map()) {
    if (!Passes(held.entry, held.marks, filter)) continue;
    const Entry got = filter.IsAny() ? cursor.Next(kLast) : cursor.NextMatching(filter, kLast);
    absl::Status status = Same("entry of a walk", index, got, held.entry);
    if (status.ok()) status = Same("place of a walk", index, cursor.index(), index);
    if (!status.ok()) return status;
  }
  return Same("end of a walk", cursor.index(), cursor.NextMatching(filter, kLast), kNull);
}

}  // namespace mxa::fuzz
