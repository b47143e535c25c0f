// SPDX-License-Identifier: Apache-2.0
#include "tests/support/walk_model.h"

#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/support/array_core_peer.h"
#include "tests/support/move_node.h"

namespace mxa::tests {
namespace {

using xarray::Mark;
using xarray::MarkFilter;

constexpr uint64_t kTop = ~uint64_t{0};
constexpr size_t kMostHeld = 150;
constexpr uint64_t kExtremes[] = {0,
                                  1,
                                  62,
                                  63,
                                  64,
                                  65,
                                  4095,
                                  4096,
                                  (uint64_t{1} << 32) - 1,
                                  uint64_t{1} << 32,
                                  uint64_t{1} << 60,
                                  (uint64_t{1} << 60) - 1,
                                  uint64_t{1} << 63,
                                  (uint64_t{1} << 63) - 1,
                                  kTop - 64,
                                  kTop - 63,
                                  kTop - 1,
                                  kTop};

bool Passes(unsigned marks, const MarkFilter& filter) {
  for (Mark mark : xarray::kAllMarks) {
    const bool marked = (marks >> static_cast<unsigned>(mark) & 1) != 0;
    if (marked ? filter.Bars(mark) : filter.Asks(mark)) return false;
  }
  return true;
}

std::string Name(const MarkFilter& filter) {
  std::string text;
  for (Mark mark : xarray::kAllMarks) {
    if (filter.Asks(mark)) absl::StrAppend(&text, "+", static_cast<int>(mark));
    if (filter.Bars(mark)) absl::StrAppend(&text, "-", static_cast<int>(mark));
  }
  return text.empty() ? "any" : text;
}

}  // namespace

WalkModel::WalkModel(uint64_t seed, IndexShape shape, bool moves_all, xarray::NodeCache& nodes)
    : seed_(seed), shape_(shape), moves_all_(moves_all), nodes_(nodes), random_(seed), array_(nodes) {
  Renew();
}

absl::Status WalkModel::Run(int count) {
  for (int i = 0; i < count; ++i) {
    absl::Status status;
    if (random_.OneIn(3)) {
      Change();
    } else if (random_.OneIn(20)) {
      status = random_.OneIn(2) ? CompareRange() : CompareFinds();
    } else {
      status = Step();
    }
    if (status.ok() && moves_all_) status = MoveEveryNode();
    if (!status.ok()) return status;
  }
  section_.reset();
  cursor_.reset();
  return array_.CheckInvariants();
}

uint64_t WalkModel::PickIndex() {
  if (!oracle_.empty() && random_.OneIn(2)) {
    return std::next(oracle_.begin(), static_cast<ptrdiff_t>(random_.Below(oracle_.size())))->first;
  }
  switch (shape_) {
    case IndexShape::kDense:
      return random_.Below(200);
    case IndexShape::kClustered:
      return (random_.Below(5) << (random_.Below(4) * 9)) + random_.Below(70);
    case IndexShape::kSparse:
      return random_.Next() >> random_.Below(64);
    case IndexShape::kExtreme:
      return kExtremes[random_.Below(std::size(kExtremes))];
  }
  return 0;
}

MarkFilter WalkModel::PickFilter() {
  MarkFilter filter;
  if (random_.OneIn(2)) return filter;
  for (Mark mark : xarray::kAllMarks) {
    if (random_.OneIn(3)) filter = filter.With(mark);
    if (random_.OneIn(3)) filter = filter.Without(mark);
  }
  return filter;
}

void WalkModel::Change() {
  const uint64_t index = PickIndex();
  const Mark mark = xarray::kAllMarks[random_.Below(3)];
  const unsigned bit = 1u << static_cast<unsigned>(mark);
  const auto found = oracle_.find(index);
  if (random_.OneIn(300)) {
    Log("Clear()");
    array_.Clear();
    oracle_.clear();
  } else if (random_.OneIn(4) || oracle_.size() > kMostHeld) {
    Log(absl::StrFormat("Erase(%u)", index));
    array_.Erase(index);
    oracle_.erase(index);
  } else if (found == oracle_.end() || random_.OneIn(4)) {
    Log(absl::StrFormat("Store(%u)", index));
    WalkElement* element = &elements_.try_emplace(index, WalkElement{index}).first->second;
    if (!array_.Store(index, element).ok()) return;
    oracle_[index].element = element;
  } else if (random_.OneIn(3)) {
    Log(absl::StrFormat("ClearMark(%u, %d)", index, static_cast<int>(mark)));
    array_.ClearMark(index, mark);
    found->second.marks &= ~bit;
  } else {
    Log(absl::StrFormat("SetMark(%u, %d)", index, static_cast<int>(mark)));
    array_.SetMark(index, mark);
    found->second.marks |= bit;
  }
}

// A new section for the old cursor, or a new cursor too.
void WalkModel::Renew() {
  if (cursor_.has_value()) cursor_->Pause();
  section_.reset();
  section_.emplace();
  if (cursor_.has_value() && !exhausted_ && !random_.OneIn(3)) return;
  at_ = PickIndex();
  Log(absl::StrFormat("cursor at %u", at_));
  cursor_.emplace(array_, at_);
  way_ = Way::kStart;
  exhausted_ = false;
}

absl::Status WalkModel::Step() {
  if (random_.OneIn(8)) Renew();
  // Mostly the same kind again, so that it gets anywhere.
  const bool is_up = random_.OneIn(4) ? random_.OneIn(2) : way_ == Way::kUp || random_.OneIn(2);
  if (way_ == Way::kIndex ? !random_.OneIn(6) : random_.OneIn(8)) return StepByIndex(is_up);
  return StepTo(is_up);
}

absl::Status WalkModel::StepByIndex(bool is_up) {
  if (way_ != Way::kStart) at_ = is_up ? at_ + 1 : at_ - 1;
  way_ = Way::kIndex;
  exhausted_ = false;
  Log(is_up ? "NextIndex()" : "PrevIndex()");
  const WalkElement* got = is_up ? cursor_->NextIndex() : cursor_->PrevIndex();
  const auto found = oracle_.find(at_);
  return Differs("step by index", got, found == oracle_.end() ? nullptr : found->second.element);
}

absl::Status WalkModel::StepTo(bool is_up) {
  const Way way = is_up ? Way::kUp : Way::kDown;
  if (exhausted_ && way == way_) Renew();
  const MarkFilter filter = PickFilter();
  const uint64_t end = is_up ? kTop : 0;
  const uint64_t bound = random_.OneIn(3) ? PickIndex() : end;
  const bool at_end = way_ != Way::kStart && at_ == end;
  const uint64_t from = way_ == Way::kStart ? at_ : is_up ? at_ + 1 : at_ - 1;
  way_ = way;
  Log(absl::StrFormat("%s(%s, to %u) from %u", is_up ? "Next" : "Prev", Name(filter), bound, from));

  auto expected = oracle_.cend();
  if (!at_end) expected = is_up ? First(from, bound, filter) : Last(from, bound, filter);
  const WalkElement* got = is_up ? cursor_->NextMatching(filter, bound) : cursor_->PrevMatching(filter, bound);
  exhausted_ = expected == oracle_.cend();
  if (!exhausted_) at_ = expected->first;
  return Differs("step", got, exhausted_ ? nullptr : expected->second.element);
}

WalkModel::Oracle::const_iterator WalkModel::First(uint64_t from, uint64_t last, const MarkFilter& filter) const {
  auto it = oracle_.lower_bound(from);
  while (it != oracle_.end() && it->first <= last && !Passes(it->second.marks, filter)) ++it;
  return it != oracle_.end() && it->first <= last ? it : oracle_.end();
}

WalkModel::Oracle::const_iterator WalkModel::Last(uint64_t from, uint64_t first, const MarkFilter& filter) const {
  for (auto it = oracle_.upper_bound(from); it != oracle_.begin();) {
    --it;
    if (it->first < first) break;
    if (Passes(it->second.marks, filter)) return it;
  }
  return oracle_.end();
}

absl::Status WalkModel::CompareRange() {
  const uint64_t first = random_.OneIn(2) ? 0 : PickIndex();
  const uint64_t last = random_.OneIn(2) ? kTop : PickIndex();
  const MarkFilter filter = PickFilter();
  const bool is_reversed = random_.OneIn(2);
  Log(absl::StrFormat("Range(%u, %u, %s)%s", first, last, Name(filter), is_reversed ? " reversed" : ""));
  std::vector<XArrayItem<WalkElement>> expected;
  for (const auto& [index, held] : oracle_) {
    if (index >= first && index <= last && Passes(held.marks, filter)) expected.push_back({index, held.element});
  }
  if (is_reversed) expected = {expected.rbegin(), expected.rend()};
  size_t met = 0;
  auto range = array_.Range(first, last).Matching(filter);
  if (is_reversed) range = range.Reversed();
  for (const XArrayItem<WalkElement> item : range) {
    const WalkElement* wanted = met < expected.size() ? expected[met].element : nullptr;
    if (wanted == nullptr || item != expected[met]) return Differs("range", item.element, wanted);
    ++met;
  }
  return met == expected.size() ? absl::OkStatus() : Differs("end of range", nullptr, expected[met].element);
}

absl::Status WalkModel::CompareFinds() {
  const uint64_t first = PickIndex();
  const uint64_t last = random_.OneIn(2) ? kTop : PickIndex();
  const Mark mark = xarray::kAllMarks[random_.Below(3)];
  const MarkFilter marked = MarkFilter().With(mark);
  Log(absl::StrFormat("finds(%u, %u, %s)", first, last, Name(marked)));
  const auto check = [&](const char* what, const std::optional<XArrayItem<WalkElement>>& got, uint64_t from,
                         const MarkFilter& filter) {
    const auto found = First(from, last, filter);
    const WalkElement* expected = found == oracle_.end() ? nullptr : found->second.element;
    if (got.has_value() && got->index != got->element->index) return absl::InternalError("a find of another index");
    const WalkElement* element = got.has_value() ? got->element : nullptr;
    return element == expected ? absl::OkStatus() : Differs(what, element, expected);
  };
  absl::Status status = check("Find", array_.Find(first, last), first, MarkFilter());
  if (status.ok()) status = check("FindMarked", array_.FindMarked(mark, first, last), first, marked);
  if (status.ok() && first != kTop) status = check("FindAfter", array_.FindAfter(first, last), first + 1, MarkFilter());
  if (status.ok() && array_.FindAfter(kTop).has_value()) status = absl::InternalError("an entry after the last index");
  uint64_t count = 0;
  for (const auto& [index, held] : oracle_) count += index >= first && index <= last && Passes(held.marks, marked);
  const uint64_t counted = array_.CountMarked(mark, first, last);
  if (status.ok() && counted != count) {
    status = absl::InternalError(
        absl::StrFormat("counted %u instead of %u; seed %u, array\n%s", counted, count, seed_, array_.Dump()));
  }
  return status;
}

absl::Status WalkModel::MoveEveryNode() {
  std::set<xarray::Node*> moving;
  const unsigned height = xarray::ArrayCorePeer::Height(array_.core());
  for (const auto& [index, held] : oracle_) {
    for (unsigned level = 1; level <= height; ++level) {
      moving.insert(xarray::ArrayCorePeer::NodeAt(array_.core(), index, level));
    }
  }
  for (xarray::Node* node : moving) {
    if (MoveNode(nodes_, node).result != reclaim::MoveResult::kMoved) {
      return absl::InternalError("a node at rest did not move");
    }
  }
  return absl::OkStatus();
}

absl::Status WalkModel::Differs(const std::string& what, const WalkElement* got, const WalkElement* expected) const {
  const bool position_differs = cursor_->index() != at_;
  if (got == expected && !position_differs) return absl::OkStatus();
  const auto name = [](const WalkElement* element) {
    return element == nullptr ? std::string("nothing") : absl::StrCat(element->index);
  };
  std::string text =
      absl::StrFormat("%s: got %s, expected %s; the cursor is at %u, expected %u; seed %u; operations:\n", what,
                      name(got), name(expected), cursor_->index(), at_, seed_);
  const size_t skipped = history_.size() > 200 ? history_.size() - 200 : 0;
  for (size_t i = skipped; i < history_.size(); ++i) absl::StrAppend(&text, history_[i], "\n");
  return absl::InternalError(text);
}

}  // namespace mxa::tests
