// SPDX-License-Identifier: Apache-2.0
//
// What the machine does to entries of several indices and to ranges.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/fuzz/array_machine.h"
#include "tests/fuzz/differs.h"
#include "tests/fuzz/on_array.h"

namespace mxa::fuzz {
namespace {

using xarray::Entry;
using Told = tests::OrderOracle::Told;

// An entry is split into 2^10 pieces at most: more are a test of patience.
constexpr unsigned kMostOrdersSplit = 10;

absl::Status SameTold(const char* what, uint64_t index, const Told& got, const Told& expected) {
  absl::Status status = Same(absl::StrCat("entries told by ", what).c_str(), index, got.size(), expected.size());
  for (size_t i = 0; status.ok() && i < got.size(); ++i) {
    status = Same("place of an entry told", index, got[i].first, expected[i].first);
    if (status.ok()) status = Same("entry told", got[i].first, got[i].second, expected[i].second);
  }
  return status;
}

}  // namespace

absl::Status ArrayMachine::RunOnOrder(const Step& step) {
  Told told;
  const auto tell = [&](uint64_t index, Entry entry) { told.emplace_back(index, entry); };
  switch (step.kind) {
    case StepKind::kStoreOrder: {
      const absl::Status status = OnArray(
          array_, step, [&](auto& array) { return array.StoreOrder(step.index, step.order, step.entry, tell); });
      if (!status.ok()) return status;
      return SameTold("StoreOrder", step.index, told, oracle_.StoreOrder(step.index, step.order, step.entry));
    }
    case StepKind::kInsertOrder: {
      const bool inserted = OnArray(
          array_, step, [&](auto& array) { return array.InsertOrder(step.index, step.order, step.entry).ok(); });
      return Same("InsertOrder", step.index, inserted, oracle_.InsertOrder(step.index, step.order, step.entry));
    }
    case StepKind::kStoreRange:
      if (absl::Status status = array_.StoreRange(step.index, step.last, step.entry, tell); !status.ok()) return status;
      return SameTold("StoreRange", step.index, told, oracle_.StoreRange(step.index, step.last, step.entry));
    case StepKind::kEraseRange:
      if (absl::Status status = array_.EraseRange(step.index, step.last, tell); !status.ok()) return status;
      return SameTold("EraseRange", step.index, told, oracle_.EraseRange(step.index, step.last));
    case StepKind::kGetOrder: {
      const auto got = OnArray(array_, step, [&](auto& array) { return array.GetOrder(step.index); });
      return Same("GetOrder", step.index, got.value_or(99), oracle_.GetOrder(step.index).value_or(99));
    }
    default:
      return Split(step);
  }
}

absl::Status ArrayMachine::Split(const Step& step) {
  const bool toward = step.kind == StepKind::kSplitToward;
  unsigned order = step.order;
  const unsigned present = oracle_.GetOrder(step.index).value_or(0);
  if (!toward && present > kMostOrdersSplit) order = std::max(order, present - kMostOrdersSplit);
  const absl::Status status = toward ? array_.SplitToward(step.index, order) : array_.Split(step.index, order);
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  const bool was_there = toward ? oracle_.SplitToward(step.index, order) : oracle_.Split(step.index, order);
  return Same("Split", step.index, status.ok(), was_there);
}

}  // namespace mxa::fuzz
