// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/array_machine.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/fuzz/differs.h"
#include "tests/fuzz/on_array.h"
#include "tests/support/array_core_peer.h"
#include "tests/support/motion.h"
#include "tests/support/move_node.h"
#include "xarray/count_marked.h"
#include "xarray/xarray_invariants.h"

namespace mxa::fuzz {
namespace {

using xarray::AsRead;
using xarray::Entry;
using xarray::kNull;
using xarray::kZero;
using xarray::Mark;

constexpr size_t kCompareEvery = 16;

}  // namespace

absl::Status RunProgram(const Program& program, xarray::NodeCache& nodes) {
  ArrayMachine machine(nodes);
  absl::Status status;
  size_t done = 0;
  while (status.ok() && done < program.steps.size()) {
    const Step& step = program.steps[done++];
    status = machine.Run(step);
    if (!status.ok()) break;
    machine.MoveBetween(program.between, step);
    if (done % kCompareEvery == 0 || done == program.steps.size()) status = machine.Compare();
  }
  if (status.ok()) return status;
  const Program part = {program.between, {program.steps.begin(), program.steps.begin() + static_cast<ptrdiff_t>(done)}};
  return absl::InternalError(absl::StrCat(status.message(), "\nafter\n", part.ToString()));
}

void MoveNodeAt(const xarray::ArrayCore& array, xarray::NodeCache& nodes, uint64_t index, unsigned height) {
  xarray::Node* node = xarray::ArrayCorePeer::NodeAt(array, index, height);
  if (node == nullptr) return;
  MXA_CHECK(tests::MoveNode(nodes, node).result == reclaim::MoveResult::kMoved, "a node at rest did not move");
}

void ArrayMachine::MoveBetween(Between between, const Step& step) {
  if (between == Between::kAll) tests::MoveAllNodes(array_, nodes_);
  if (between != Between::kThePath) return;
  for (unsigned height = xarray::ArrayCorePeer::Height(array_); height > 0; --height) {
    MoveNodeAt(array_, nodes_, step.index, height);
  }
}

Entry ArrayMachine::There(uint64_t index) const {
  const auto found = oracle_.Find(index);
  return found == oracle_.map().end() ? kNull : found->second.entry;
}

std::optional<uint64_t> ArrayMachine::LowestFree(uint64_t first, uint64_t last) const {
  if (first > last) return std::nullopt;
  uint64_t index = first;
  for (auto at = oracle_.Find(index); at != oracle_.map().end(); at = oracle_.Find(index)) {
    const uint64_t end = tests::OrderOracle::LastOf(at->first, at->second);
    if (end >= last) return std::nullopt;
    index = end + 1;
  }
  return index;
}

absl::Status ArrayMachine::Run(const Step& step) {
  switch (step.kind) {
    case StepKind::kStore:
    case StepKind::kStoreNull:
    case StepKind::kInsert:
    case StepKind::kCompareExchange:
    case StepKind::kErase:
    case StepKind::kReserve:
    case StepKind::kRelease:
      return RunOnEntry(step);
    case StepKind::kSetMark:
    case StepKind::kClearMark:
    case StepKind::kCountMarked:
    case StepKind::kSetMarkMany:
      return RunOnMark(step);
    case StepKind::kAllocate:
      return Allocate(step);
    case StepKind::kAllocateCyclic:
      return AllocateCyclic(step);
    case StepKind::kStoreMany:
    case StepKind::kEraseMany:
    case StepKind::kLoadMany:
      return RunOnMany(step);
    case StepKind::kCursor:
    case StepKind::kNext:
    case StepKind::kPrev:
    case StepKind::kNextMarked:
    case StepKind::kPrevMarked:
    case StepKind::kNextMatching:
    case StepKind::kPrevMatching:
    case StepKind::kNextIndex:
    case StepKind::kPrevIndex:
    case StepKind::kPause:
    case StepKind::kReload:
      return RunOnCursor(step);
    case StepKind::kMoveNode:
      MoveNodeAt(array_, nodes_, step.index, step.height);
      return absl::OkStatus();
    case StepKind::kMoveAll:
      tests::MoveAllNodes(array_, nodes_);
      return absl::OkStatus();
    case StepKind::kClear:
      array_.Clear();
      oracle_.map().clear();
      return absl::OkStatus();
    case StepKind::kStoreOrder:
    case StepKind::kInsertOrder:
    case StepKind::kStoreRange:
    case StepKind::kEraseRange:
    case StepKind::kGetOrder:
    case StepKind::kSplit:
    case StepKind::kSplitToward:
      return RunOnOrder(step);
  }
  return absl::OkStatus();
}

absl::Status ArrayMachine::RunOnEntry(const Step& step) {
  const uint64_t index = step.index;
  const Entry there = There(index);
  switch (step.kind) {
    case StepKind::kInsert: {
      const bool inserted = OnArray(array_, step, [&](auto& array) { return array.Insert(index, step.entry).ok(); });
      if (there == kNull) oracle_.Store(index, step.entry == kNull ? kZero : step.entry);
      return Same("Insert", index, inserted, there == kNull);
    }
    case StepKind::kCompareExchange: {
      const Entry expected = step.expects_null ? kNull : AsRead(there);
      const auto found =
          OnArray(array_, step, [&](auto& array) { return array.CompareExchange(index, expected, step.entry); });
      if (!found.ok()) return found.status();
      if (AsRead(there) == expected) oracle_.Store(index, step.entry);
      return Same("CompareExchange", index, *found, AsRead(there));
    }
    case StepKind::kErase: {
      const Entry found = OnArray(array_, step, [&](auto& array) { return array.Erase(index); });
      oracle_.Store(index, kNull);
      return Same("Erase", index, found, AsRead(there));
    }
    case StepKind::kReserve: {
      const absl::Status status = OnArray(array_, step, [&](auto& array) { return array.Reserve(index); });
      if (there == kNull) oracle_.Store(index, kZero);
      return status;
    }
    case StepKind::kRelease: {
      const bool released = OnArray(array_, step, [&](auto& array) { return array.Release(index); });
      if (there == kZero) oracle_.Store(index, kNull);
      return Same("Release", index, released, there == kZero);
    }
    default: {
      const auto found = OnArray(array_, step, [&](auto& array) { return array.Store(index, step.entry); });
      if (!found.ok()) return found.status();
      oracle_.Store(index, step.entry);
      return Same("Store", index, *found, AsRead(there));
    }
  }
}

absl::Status ArrayMachine::RunOnMark(const Step& step) {
  if (step.kind == StepKind::kCountMarked) {
    return Same("CountMarked", step.index, xarray::CountMarked(array_, step.mark, step.index, step.last),
                Count(step.index, step.last, step.mark));
  }
  if (step.kind == StepKind::kSetMarkMany) {
    Step one = step;
    one.kind = StepKind::kSetMark;
    for (const uint64_t index : Spaced(step.index, step.stride, step.count)) {
      one.index = index;
      if (absl::Status status = RunOnMark(one); !status.ok()) return status;
    }
    return absl::OkStatus();
  }
  const unsigned bit = 1u << static_cast<unsigned>(step.mark);
  const bool is_present = Read(step.index) != kNull;
  if (step.kind == StepKind::kClearMark) {
    OnArray(array_, step, [&](auto& array) { array.ClearMark(step.index, step.mark); });
    if (is_present) oracle_.Find(step.index)->second.marks &= ~bit;
    return absl::OkStatus();
  }
  const bool is_set = OnArray(array_, step, [&](auto& array) { return array.SetMark(step.index, step.mark); });
  if (is_present) oracle_.Find(step.index)->second.marks |= bit;
  return Same("SetMark", step.index, is_set, is_present);
}

absl::Status ArrayMachine::RunOnMany(const Step& step) {
  const std::vector<uint64_t> indices = Spaced(step.index, step.stride, step.count);
  std::vector<Entry> got(indices.size(), xarray::kRetry);
  if (step.kind == StepKind::kStoreMany) {
    const absl::Status status = array_.StoreMany(
        indices, [&](size_t) { return step.entry; }, [&](size_t i, Entry entry) { got[i] = entry; });
    if (!status.ok()) return status;
  } else if (step.kind == StepKind::kEraseMany) {
    for (size_t i = 0; i < indices.size(); ++i) got[i] = array_.Erase(indices[i]);
  } else {
    const reclaim::ReadSection section;
    array_.LoadManyInSection(indices, got.data());
  }
  for (size_t i = 0; i < indices.size(); ++i) {
    if (absl::Status status = Same("one of many", indices[i], got[i], Read(indices[i])); !status.ok()) return status;
    if (step.kind != StepKind::kLoadMany) oracle_.Store(indices[i], step.entry);  // null: erased
  }
  return absl::OkStatus();
}

absl::Status ArrayMachine::Allocate(const Step& step) {
  uint64_t written = 12345;
  const auto got = array_.Allocate(step.entry, {step.index, step.last}, &written);
  const std::optional<uint64_t> expected = LowestFree(step.index, step.last);
  if (!got.ok()) {
    if (expected.has_value() || !absl::IsOutOfRange(got.status())) return got.status();
    return Same("ID written", step.index, written, 12345);
  }
  if (!expected.has_value()) return absl::InternalError(absl::StrCat("Allocate found ", *got, ", which is in use"));
  oracle_.Store(*got, step.entry == kNull ? kZero : step.entry);
  const absl::Status status = Same("Allocate", step.index, *got, *expected);
  return status.ok() ? Same("ID written", step.index, written, *got) : status;
}

absl::Status ArrayMachine::AllocateCyclic(const Step& step) {
  const xarray::CyclicState before = state_;
  std::optional<uint64_t> expected;
  if (!before.past_end) expected = LowestFree(std::max(before.next, step.index), step.last);
  const bool wraps = !expected.has_value();
  if (wraps) expected = LowestFree(step.index, step.last);
  const auto got = array_.AllocateCyclic(step.entry, {step.index, step.last}, state_);
  if (!got.ok()) {
    if (expected.has_value() || !absl::IsOutOfRange(got.status())) return got.status();
    return Same("state after AllocateCyclic", step.index, state_.next, before.next);
  }
  if (!expected.has_value()) return absl::InternalError("AllocateCyclic found an index in use");
  oracle_.Store(got->id, step.entry == kNull ? kZero : step.entry);
  absl::Status status = Same("AllocateCyclic", step.index, got->id, *expected);
  if (status.ok()) status = Same("AllocateCyclic wrapped", step.index, got->wrapped, wraps);
  if (status.ok()) status = Same("state after AllocateCyclic", step.index, state_.next, *expected + 1);
  return status;
}

absl::Status ArrayMachine::Compare() const {
  if (absl::Status status = xarray::CheckInvariants(array_); !status.ok()) return status;
  absl::Status status = Same("empty", 0, array_.empty(), oracle_.map().empty());
  unsigned any_marks = 0;
  for (const auto& [first, held] : oracle_.map()) {
    any_marks |= held.marks;
    const uint64_t last = tests::OrderOracle::LastOf(first, held);
    for (const uint64_t index : {first, last}) {
      if (status.ok()) status = Same("Load", index, array_.Load(index), AsRead(held.entry));
      if (status.ok()) status = Same("GetOrder", index, array_.GetOrder(index).value_or(99), held.order);
      for (const Mark mark : xarray::kAllMarks) {
        const unsigned marked = held.marks >> static_cast<unsigned>(mark) & 1;
        if (status.ok()) status = Same("GetMark", index, array_.GetMark(index, mark), marked);
      }
    }
    for (const uint64_t beside : {first - 1, last + 1}) {
      if (status.ok()) status = Same("Load", beside, array_.Load(beside), Read(beside));
    }
    if (!status.ok()) return status;
  }
  if (status.ok()) status = CompareWalk(xarray::MarkFilter());
  for (const Mark mark : xarray::kAllMarks) {
    const unsigned marked = any_marks >> static_cast<unsigned>(mark) & 1;
    if (status.ok()) status = Same("HasMarked", static_cast<unsigned>(mark), array_.HasMarked(mark), marked);
    if (status.ok()) status = CompareWalk(xarray::MarkFilter().With(mark));
  }
  return status;
}

}  // namespace mxa::fuzz
