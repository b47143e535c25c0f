// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/ida_machine.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "tests/fuzz/array_machine.h"
#include "tests/fuzz/differs.h"
#include "tests/support/ida_peer.h"
#include "tests/support/motion.h"

namespace mxa::fuzz {
namespace {

using xarray::IdLimit;

constexpr uint64_t kLast = ~uint64_t{0};
constexpr uint64_t kNone = 12345;  // what a missing answer is compared as
constexpr size_t kCompareEvery = 16;

}  // namespace

absl::Status RunIdaProgram(const IdaProgram& program, xarray::NodeCache& nodes, xarray::IdBitmapCache& bitmaps) {
  IdaMachine machine(nodes, bitmaps);
  absl::Status status;
  size_t done = 0;
  while (status.ok() && done < program.steps.size()) {
    status = machine.Run(program.steps[done++]);
    if (!status.ok()) break;
    if (program.moves_between) machine.MoveAll();
    if (done % kCompareEvery == 0 || done == program.steps.size()) status = machine.Compare();
  }
  if (status.ok()) return status;
  const IdaProgram part = {program.moves_between,
                           {program.steps.begin(), program.steps.begin() + static_cast<ptrdiff_t>(done)}};
  return absl::InternalError(absl::StrCat(status.message(), "\nafter\n", part.ToString()));
}

std::map<uint64_t, uint64_t>::const_iterator IdRuns::Find(uint64_t id) const {
  auto found = runs_.upper_bound(id);
  if (found == runs_.begin()) return runs_.end();
  --found;
  return found->second >= id ? found : runs_.end();
}

bool IdRuns::Contains(uint64_t id) const { return Find(id) != runs_.end(); }

std::optional<uint64_t> IdRuns::LowestFree(IdLimit limit) const {
  if (limit.min > limit.max) return std::nullopt;
  const auto found = Find(limit.min);
  if (found == runs_.end()) return limit.min;
  if (found->second >= limit.max) return std::nullopt;
  return found->second + 1;
}

std::optional<uint64_t> IdRuns::Lowest(IdLimit limit) const {
  if (limit.min > limit.max) return std::nullopt;
  if (Contains(limit.min)) return limit.min;
  const auto next = runs_.lower_bound(limit.min);
  if (next == runs_.end() || next->first > limit.max) return std::nullopt;
  return next->first;
}

void IdRuns::Add(uint64_t id) {
  uint64_t first = id;
  uint64_t last = id;
  if (const auto before = id == 0 ? runs_.end() : Find(id - 1); before != runs_.end()) {
    first = before->first;
    runs_.erase(before);
  }
  if (const auto after = id == kLast ? runs_.end() : Find(id + 1); after != runs_.end()) {
    last = after->second;
    runs_.erase(after);
  }
  runs_[first] = last;
}

void IdRuns::Remove(uint64_t id) {
  const auto found = Find(id);
  const auto [first, last] = *found;
  runs_.erase(found);
  if (first < id) runs_[first] = id - 1;
  if (id < last) runs_[id + 1] = last;
}

absl::Status IdaMachine::Run(const IdaStep& step) {
  absl::Status status;
  switch (step.kind) {
    case IdaStepKind::kAllocate:
      return Allocate({step.id, step.last});
    case IdaStepKind::kAllocateMany:
      for (unsigned i = 0; status.ok() && i < step.count; ++i) status = Allocate({step.id, step.last});
      return status;
    case IdaStepKind::kFree:
      return Free(step.id);
    case IdaStepKind::kFreeMany:
      for (unsigned i = 0; status.ok() && i < step.count; ++i) status = Free(step.id + i);
      return status;
    case IdaStepKind::kExists:
      return Same("Exists", step.id, ida_.Exists(step.id), oracle_.Contains(step.id));
    case IdaStepKind::kFindFirst:
      return Same("FindFirst", step.id, ida_.FindFirst({step.id, step.last}).value_or(kNone),
                  oracle_.Lowest({step.id, step.last}).value_or(kNone));
    case IdaStepKind::kMoveNode:
      MoveNodeAt(xarray::IdaPeer::Chunks(ida_), nodes_, step.id >> 10, step.height);
      return status;
    case IdaStepKind::kMoveAll:
      MoveAll();
      return status;
    case IdaStepKind::kClear:
      ida_.Clear();
      oracle_.runs().clear();
      return status;
  }
  return status;
}

void IdaMachine::MoveAll() { tests::MoveAllNodes(xarray::IdaPeer::Chunks(ida_), nodes_); }

absl::Status IdaMachine::Allocate(IdLimit limit) {
  const auto got = ida_.Allocate(limit);
  const std::optional<uint64_t> expected = oracle_.LowestFree(limit);
  if (!got.ok()) {
    if (!absl::IsOutOfRange(got.status())) return got.status();
    return Same("Allocate, which found none,", limit.min, kNone, expected.value_or(kNone));
  }
  if (!expected.has_value()) return absl::InternalError(absl::StrCat("Allocate found ", *got, ", which is in use"));
  oracle_.Add(*expected);
  return Same("Allocate", limit.min, *got, *expected);
}

absl::Status IdaMachine::Free(uint64_t id) {
  const bool exists = ida_.Exists(id);
  if (absl::Status status = Same("Exists", id, exists, oracle_.Contains(id)); !status.ok()) return status;
  if (!exists) return absl::OkStatus();
  ida_.Free(id);
  oracle_.Remove(id);
  return Same("Exists after Free", id, ida_.Exists(id), false);
}

absl::Status IdaMachine::Compare() {
  absl::Status status = ida_.CheckInvariants();
  if (status.ok()) status = Same("empty", 0, ida_.empty(), oracle_.runs().empty());
  uint64_t from = 0;
  for (const auto& [first, last] : oracle_.runs()) {
    if (status.ok()) status = Same("FindFirst", from, ida_.FindFirst({from, kLast}).value_or(kNone), first);
    if (status.ok()) status = Same("Exists", last, ida_.Exists(last), true);
    if (last == kLast || !status.ok()) return status;
    if (status.ok()) status = Same("Exists", last + 1, ida_.Exists(last + 1), false);
    from = last + 1;
  }
  if (!status.ok()) return status;
  return Same("FindFirst", from, ida_.FindFirst({from, kLast}).value_or(kNone), kNone);
}

}  // namespace mxa::fuzz
