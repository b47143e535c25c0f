// SPDX-License-Identifier: Apache-2.0
#include "tests/support/array_model.h"

#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "reclaim/rcu.h"
#include "tests/support/array_core_peer.h"
#include "tests/support/move_node.h"
#include "xarray/cursor.h"
#include "xarray/xarray_invariants.h"

namespace mxa::tests {
namespace {

using xarray::Entry;
using xarray::kNull;
using xarray::Mark;

constexpr size_t kHistoryPrinted = 200;

constexpr uint64_t kExtremes[] = {0,
                                  1,
                                  62,
                                  63,
                                  64,
                                  4095,
                                  4096,
                                  (uint64_t{1} << 32) - 1,
                                  uint64_t{1} << 32,
                                  (uint64_t{1} << 60) - 1,
                                  uint64_t{1} << 60,
                                  uint64_t{1} << 63,
                                  ~uint64_t{0} - 64,
                                  ~uint64_t{0} - 1,
                                  ~uint64_t{0}};

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

absl::Status Differs(const char* what, uint64_t index, uint64_t got, uint64_t expected) {
  return absl::InternalError(absl::StrFormat("%s at %u: got %#x, expected %#x", what, index, got, expected));
}

}  // namespace

std::string ArrayOp::ToString() const {
  static constexpr const char* kNames[] = {"Store",    "Erase",    "Insert", "CompareExchange", "SetMark", "ClearMark",
                                           "MoveNode", "MovePass", "Clear"};
  return absl::StrFormat("%s(%u, value %u, mark %d)", kNames[static_cast<size_t>(kind)], index, value,
                         static_cast<int>(mark));
}

ArrayModel::ArrayModel(uint64_t seed, IndexShape shape, bool moves, xarray::NodeCache& nodes)
    : seed_(seed), shape_(shape), moves_(moves), nodes_(nodes), random_(seed), array_(nodes) {}

absl::Status ArrayModel::Run(int count, int check_every) {
  for (int i = 1; i <= count; ++i) {
    history_.push_back(PickOp());
    absl::Status status = Apply(history_.back());
    if (status.ok() && i % check_every == 0) status = Compare();
    if (!status.ok()) return WithHistory(status);
  }
  const absl::Status status = Compare();
  return status.ok() ? status : WithHistory(status);
}

uint64_t ArrayModel::PickIndex() {
  // Half of the time one that is in use.
  if (!oracle_.empty() && random_.OneIn(2)) {
    auto found = oracle_.lower_bound(random_.Next());
    if (shape_ != IndexShape::kSparse)
      found = std::next(oracle_.begin(), static_cast<ptrdiff_t>(random_.Below(oracle_.size())));
    if (found != oracle_.end()) return found->first;
  }
  switch (shape_) {
    case IndexShape::kDense:
      return random_.Below(300);
    case IndexShape::kClustered:
      return (random_.Below(5) << (random_.Below(4) * 9)) + random_.Below(70);
    case IndexShape::kSparse:
      return random_.Next() >> random_.Below(64);
    case IndexShape::kExtreme:
      return kExtremes[random_.Below(std::size(kExtremes))];
  }
  return 0;
}

ArrayOp ArrayModel::PickOp() {
  using Kind = ArrayOp::Kind;
  static constexpr Kind kKinds[] = {Kind::kStore,           Kind::kStore,  Kind::kStore,   Kind::kErase,
                                    Kind::kErase,           Kind::kInsert, Kind::kSetMark, Kind::kClearMark,
                                    Kind::kCompareExchange, Kind::kSetMark};
  static constexpr Kind kMoves[] = {Kind::kMoveNode, Kind::kMoveNode, Kind::kMoveNode, Kind::kMovePass};
  ArrayOp op = {kKinds[random_.Below(std::size(kKinds))], PickIndex(), random_.Below(1000),
                xarray::kAllMarks[random_.Below(3)]};
  if (moves_ && random_.OneIn(3)) op.kind = kMoves[random_.Below(std::size(kMoves))];
  if (random_.OneIn(500)) op.kind = Kind::kClear;
  return op;
}

Entry ArrayModel::Expected(uint64_t index) const {
  const auto found = oracle_.find(index);
  return found == oracle_.end() ? kNull : found->second.entry;
}

void ArrayModel::Keep(uint64_t index, Entry entry) {
  if (entry == kNull) {
    oracle_.erase(index);
  } else {
    oracle_[index].entry = entry;  // marks of a present entry stay
  }
}

absl::Status ArrayModel::Apply(const ArrayOp& op) {
  const Entry entry = ValueEntry(op.value);
  const Entry there = Expected(op.index);
  switch (op.kind) {
    case ArrayOp::Kind::kStore: {
      const auto result = array_.Store(op.index, entry);
      if (!result.ok()) return result.status();
      Keep(op.index, entry);
      return *result == there ? absl::OkStatus() : Differs("Store", op.index, *result, there);
    }
    case ArrayOp::Kind::kErase: {
      const Entry result = array_.Erase(op.index);
      Keep(op.index, kNull);
      return result == there ? absl::OkStatus() : Differs("Erase", op.index, result, there);
    }
    case ArrayOp::Kind::kInsert: {
      const bool inserted = array_.Insert(op.index, entry).ok();
      if (there == kNull) Keep(op.index, entry);
      return inserted == (there == kNull) ? absl::OkStatus() : Differs("Insert", op.index, inserted, there);
    }
    case ArrayOp::Kind::kCompareExchange: {
      const Entry expected = op.value % 4 == 0 ? kNull : there;
      const Entry desired = op.value % 5 == 0 ? kNull : entry;
      const auto result = array_.CompareExchange(op.index, expected, desired);
      if (!result.ok()) return result.status();
      if (there == expected) Keep(op.index, desired);
      return *result == there ? absl::OkStatus() : Differs("CompareExchange", op.index, *result, there);
    }
    case ArrayOp::Kind::kSetMark:
    case ArrayOp::Kind::kClearMark:
      return ApplyMark(op);
    case ArrayOp::Kind::kMoveNode:
    case ArrayOp::Kind::kMovePass:
      return Move(op);
    case ArrayOp::Kind::kClear:
      array_.Clear();
      oracle_.clear();
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status ArrayModel::ApplyMark(const ArrayOp& op) {
  const auto found = oracle_.find(op.index);
  const unsigned bit = 1u << static_cast<unsigned>(op.mark);
  if (op.kind == ArrayOp::Kind::kClearMark) {
    array_.ClearMark(op.index, op.mark);
    if (found != oracle_.end()) found->second.marks &= ~bit;
    return absl::OkStatus();
  }
  const bool set = array_.SetMark(op.index, op.mark);
  if (found != oracle_.end()) found->second.marks |= bit;
  return set == (found != oracle_.end()) ? absl::OkStatus() : Differs("SetMark", op.index, set, !set);
}

absl::Status ArrayModel::Move(const ArrayOp& op) {
  if (op.kind == ArrayOp::Kind::kMovePass) {
    slab::CompactOptions options;
    options.mode = slab::CompactOptions::Mode::kMoveEverything;
    return nodes_.slabs().Compact(options).status();
  }
  const unsigned height = xarray::ArrayCorePeer::Height(array_);
  if (height == 0) return absl::OkStatus();
  xarray::Node* node = xarray::ArrayCorePeer::NodeAt(array_, op.index, 1 + static_cast<unsigned>(op.value) % height);
  if (node == nullptr) return absl::OkStatus();
  const NodeMove move = MoveNode(nodes_, node);
  return move.result == reclaim::MoveResult::kMoved ? absl::OkStatus()
                                                    : absl::InternalError("a node at rest did not move");
}

absl::Status ArrayModel::Compare() {
  if (absl::Status status = xarray::CheckInvariants(array_); !status.ok()) return status;
  if (array_.empty() != oracle_.empty()) return Differs("empty", 0, array_.empty(), oracle_.empty());
  unsigned any_marks = 0;
  for (const auto& [index, held] : oracle_) {
    if (const Entry got = array_.Load(index); got != held.entry) return Differs("Load", index, got, held.entry);
    any_marks |= held.marks;
    for (Mark mark : xarray::kAllMarks) {
      const bool marked = (held.marks >> static_cast<unsigned>(mark) & 1) != 0;
      if (array_.GetMark(index, mark) != marked) return Differs("GetMark", index, !marked, marked);
    }
  }
  for (Mark mark : xarray::kAllMarks) {
    const bool marked = (any_marks >> static_cast<unsigned>(mark) & 1) != 0;
    if (array_.HasMarked(mark) != marked) return Differs("HasMarked", static_cast<unsigned>(mark), !marked, marked);
    if (absl::Status status = CompareWalk(&mark); !status.ok()) return status;
  }
  for (int i = 0; i < 20; ++i) {
    const uint64_t index = PickIndex();
    if (const Entry got = array_.Load(index); got != Expected(index))
      return Differs("Load", index, got, Expected(index));
  }
  if (absl::Status status = CompareMany(); !status.ok()) return status;
  return CompareWalk(nullptr);
}

absl::Status ArrayModel::CompareMany() {
  std::vector<uint64_t> indices(random_.Below(100));
  for (uint64_t& index : indices) index = PickIndex();
  std::vector<Entry> entries(indices.size(), xarray::kRetry);
  reclaim::ReadSection section;
  array_.LoadManyInSection(indices, entries.data());
  for (size_t i = 0; i < indices.size(); ++i) {
    if (entries[i] != Expected(indices[i])) return Differs("LoadMany", indices[i], entries[i], Expected(indices[i]));
  }
  return absl::OkStatus();
}

absl::Status ArrayModel::CompareWalk(const Mark* mark) {
  const uint64_t first = random_.OneIn(2) ? 0 : PickIndex();
  const uint64_t last = random_.OneIn(2) ? ~uint64_t{0} : PickIndex();
  reclaim::ReadSection section;
  xarray::Cursor cursor(array_, first);
  for (auto expected = oracle_.lower_bound(first); expected != oracle_.end() && expected->first <= last; ++expected) {
    if (mark != nullptr && (expected->second.marks >> static_cast<unsigned>(*mark) & 1) == 0) continue;
    const Entry got = mark == nullptr ? cursor.Next(last) : cursor.NextMarked(*mark, last);
    if (got != expected->second.entry || cursor.index() != expected->first) {
      return Differs(mark == nullptr ? "Next" : "NextMarked", expected->first, cursor.index(), expected->first);
    }
    if (random_.OneIn(8)) cursor.Pause();
  }
  const Entry end = mark == nullptr ? cursor.Next(last) : cursor.NextMarked(*mark, last);
  return end == kNull ? absl::OkStatus() : Differs("end of a walk", cursor.index(), end, kNull);
}

absl::Status ArrayModel::WithHistory(const absl::Status& status) const {
  std::string text = absl::StrFormat("%s\nseed %u; operations:\n", status.message(), seed_);
  const size_t skipped = history_.size() > kHistoryPrinted ? history_.size() - kHistoryPrinted : 0;
  if (skipped > 0) absl::StrAppendFormat(&text, "... %u before\n", skipped);
  for (size_t i = skipped; i < history_.size(); ++i) absl::StrAppend(&text, history_[i].ToString(), "\n");
  return absl::InternalError(text);
}

}  // namespace mxa::tests
