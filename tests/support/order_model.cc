// SPDX-License-Identifier: Apache-2.0
#include "tests/support/order_model.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "reclaim/rcu.h"
#include "xarray/count_marked.h"
#include "xarray/dump.h"
#include "xarray/xarray_invariants.h"

namespace mxa::tests {
namespace {

using xarray::Entry;
using xarray::kNull;
using xarray::Mark;

constexpr size_t kHistoryPrinted = 60;
constexpr uint64_t kLast = ~uint64_t{0};

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

absl::Status Differs(const char* what, uint64_t index, uint64_t got, uint64_t expected) {
  return absl::InternalError(absl::StrFormat("%s at %u: got %#x, expected %#x", what, index, got, expected));
}

absl::Status SameTold(const char* what, const OrderOracle::Told& got, const OrderOracle::Told& expected) {
  if (got == expected) return absl::OkStatus();
  return absl::InternalError(absl::StrFormat("%s told of %d entries, expected %d", what, got.size(), expected.size()));
}

bool IsMarked(const OrderOracle::Held& held, Mark mark) { return (held.marks >> static_cast<unsigned>(mark) & 1) != 0; }

}  // namespace

OrderModel::OrderModel(uint64_t seed, IdShape shape, Motion::Kind motion, xarray::NodeCache& nodes)
    : seed_(seed), shape_(shape), random_(seed), array_(nodes), motion_(motion, nodes) {}

void OrderModel::Log(std::string op) { history_.push_back(std::move(op)); }

absl::Status OrderModel::Run(int count, int check_every) {
  absl::Status status;
  for (int i = 1; i <= count && status.ok(); ++i) {
    status = Step();
    motion_.Between(array_);
    if (status.ok() && (i % check_every == 0 || i == count)) status = Compare();
  }
  if (status.ok()) return status;
  const size_t skipped = history_.size() > kHistoryPrinted ? history_.size() - kHistoryPrinted : 0;
  const std::vector<std::string> last(history_.begin() + static_cast<ptrdiff_t>(skipped), history_.end());
  return absl::InternalError(absl::StrFormat("%s\nseed %u, %u operations before:\n%s\n%s", status.message(), seed_,
                                             skipped, absl::StrJoin(last, "\n"), xarray::Dump(array_, 300)));
}

uint64_t OrderModel::PickIndex() {
  if (oracle_.map().empty() || random_.OneIn(2)) return PickId(shape_, random_);
  auto found = oracle_.FindFrom(PickId(shape_, random_));
  if (found == oracle_.map().end()) found = oracle_.map().begin();
  // One of the entry's indices, its first and last more often than others.
  const uint64_t mask = xarray::OrderMask(found->second.order);
  const uint64_t inside[] = {0, mask, random_.Next() & mask};
  return found->first + inside[random_.Below(3)];
}

unsigned OrderModel::PickOrder() {
  if (random_.OneIn(30)) return static_cast<unsigned>(random_.Below(xarray::kMaxOrder + 1));
  return static_cast<unsigned>(random_.Below(shape_ == IdShape::kDense ? 9 : 15));
}

absl::Status OrderModel::Step() {
  const uint64_t index = PickIndex();
  if (random_.OneIn(300)) {
    Log("Clear()");
    array_.Clear();
    oracle_.map().clear();
    return absl::OkStatus();
  }
  return random_.OneIn(2) ? StepOnEntry(index) : StepOnRange(index);
}

absl::Status OrderModel::StepOnEntry(uint64_t index) {
  const Entry entry = ValueEntry(random_.Below(1000));
  const Entry there = oracle_.Load(index);
  const Mark mark = xarray::kAllMarks[random_.Below(3)];
  const auto held = oracle_.Find(index);
  const bool in_use = held != oracle_.map().end();
  switch (random_.Below(8)) {
    case 0:
    case 1: {
      Log(absl::StrFormat("Store(%u, %u)", index, entry >> 1));
      const Entry got = array_.Store(index, entry).value();
      oracle_.Store(index, entry);
      return got == there ? absl::OkStatus() : Differs("Store", index, got, there);
    }
    case 2: {
      Log(absl::StrFormat("Erase(%u)", index));
      const Entry got = array_.Erase(index);
      oracle_.Store(index, kNull);
      return got == there ? absl::OkStatus() : Differs("Erase", index, got, there);
    }
    case 3: {
      Log(absl::StrFormat("CompareExchange(%u, what is there, %u)", index, entry >> 1));
      const Entry got = array_.CompareExchange(index, there, entry).value();
      oracle_.Store(index, entry);
      return got == there ? absl::OkStatus() : Differs("CompareExchange", index, got, there);
    }
    case 4: {
      const bool reserve = random_.OneIn(2);
      Log(absl::StrFormat("%s(%u)", reserve ? "Reserve" : "Release", index));
      if (reserve) {
        if (!in_use) oracle_.Store(index, xarray::kZero);
        return array_.Reserve(index);
      }
      const bool expected = in_use && held->second.entry == xarray::kZero;
      const bool got = array_.Release(index);
      if (expected) oracle_.map().erase(held);
      return got == expected ? absl::OkStatus() : Differs("Release", index, got, expected);
    }
    case 5:
      Log(absl::StrFormat("ClearMark(%u, %d)", index, static_cast<int>(mark)));
      array_.ClearMark(index, mark);
      if (in_use) held->second.marks &= ~(1u << static_cast<unsigned>(mark));
      return absl::OkStatus();
    default: {
      Log(absl::StrFormat("SetMark(%u, %d)", index, static_cast<int>(mark)));
      const bool got = array_.SetMark(index, mark);
      if (there != kNull) held->second.marks |= 1u << static_cast<unsigned>(mark);
      return got == (there != kNull) ? absl::OkStatus() : Differs("SetMark", index, got, !got);
    }
  }
}

absl::Status OrderModel::StepOnRange(uint64_t index) {
  const Entry entry = ValueEntry(random_.Below(1000));
  const unsigned order = PickOrder();
  uint64_t other = random_.OneIn(2) ? PickIndex() : index + std::min(kLast - index, random_.Below(400));
  if (random_.OneIn(200)) other = random_.OneIn(2) ? 0 : kLast;
  const auto [first, last] = std::minmax(index, other);
  OrderOracle::Told told;
  const auto tell = [&told](uint64_t at, Entry old) { told.emplace_back(at, old); };
  switch (random_.Below(8)) {
    case 0:
    case 1:
      Log(absl::StrFormat("StoreOrder(%u, %u, %u)", index, order, entry >> 1));
      if (absl::Status status = array_.StoreOrder(index, order, entry, tell); !status.ok()) return status;
      return SameTold("StoreOrder", told, oracle_.StoreOrder(index, order, entry));
    case 2: {
      Log(absl::StrFormat("InsertOrder(%u, %u, %u)", index, order, entry >> 1));
      const bool got = array_.InsertOrder(index, order, entry).ok();
      const bool expected = oracle_.InsertOrder(index, order, entry);
      return got == expected ? absl::OkStatus() : Differs("InsertOrder", index, got, expected);
    }
    case 3:
      Log(absl::StrFormat("StoreRange(%u, %u, %u)", first, last, entry >> 1));
      if (absl::Status status = array_.StoreRange(first, last, entry, tell); !status.ok()) return status;
      return SameTold("StoreRange", told, oracle_.StoreRange(first, last, entry));
    case 4:
    case 5:
      Log(absl::StrFormat("EraseRange(%u, %u)", first, last));
      if (absl::Status status = array_.EraseRange(first, last, tell); !status.ok()) return status;
      return SameTold("EraseRange", told, oracle_.EraseRange(first, last));
    case 6: {
      const std::optional<unsigned> present = oracle_.GetOrder(index);
      const unsigned wanted =
          present.value_or(0) - std::min(present.value_or(0), static_cast<unsigned>(random_.Below(9)));
      Log(absl::StrFormat("Split(%u, %u)", index, wanted));
      const bool got = array_.Split(index, wanted).ok();
      const bool expected = oracle_.Split(index, wanted);
      return got == expected ? absl::OkStatus() : Differs("Split", index, got, expected);
    }
    default: {
      Log(absl::StrFormat("SplitToward(%u, %u)", index, order));
      const bool got = array_.SplitToward(index, order).ok();
      const bool expected = oracle_.SplitToward(index, order);
      return got == expected ? absl::OkStatus() : Differs("SplitToward", index, got, expected);
    }
  }
}

absl::Status OrderModel::Compare() {
  if (absl::Status status = xarray::CheckInvariants(array_); !status.ok()) return status;
  if (array_.empty() != oracle_.map().empty()) return Differs("empty", 0, array_.empty(), !array_.empty());
  const size_t size = oracle_.map().size();
  for (auto at = oracle_.map().begin(); at != oracle_.map().end(); ++at) {
    if (size > 600 && !random_.OneIn(size / 300)) continue;
    const uint64_t last = OrderOracle::LastOf(at->first, at->second);
    for (uint64_t index :
         {at->first, last, at->first + (random_.Next() & (last - at->first)), at->first - 1, last + 1}) {
      if (absl::Status status = CompareAt(index); !status.ok()) return status;
    }
  }
  for (Mark mark : xarray::kAllMarks) {
    uint64_t marked = 0;
    for (const auto& [first, held] : oracle_.map()) marked += IsMarked(held, mark) ? 1 : 0;
    const uint64_t got = xarray::CountMarked(array_, mark, 0, kLast);
    if (got != marked) return Differs("CountMarked", static_cast<unsigned>(mark), got, marked);
    if (array_.HasMarked(mark) != (marked != 0)) return Differs("HasMarked", static_cast<unsigned>(mark), !marked, 0);
  }
  for (const bool up : {true, false}) {
    for (const bool marked : {true, false}) {
      if (absl::Status status = CompareWalk(up, marked); !status.ok()) return status;
    }
  }
  return CompareIndexByIndex();
}

absl::Status OrderModel::CompareAt(uint64_t index) {
  const Entry expected = oracle_.Load(index);
  if (const Entry got = array_.Load(index); got != expected) return Differs("Load", index, got, expected);
  {
    reclaim::ReadSection section;
    Entry many = xarray::kRetry;
    array_.LoadManyInSection({&index, 1}, &many);
    if (many != expected) return Differs("LoadMany", index, many, expected);
  }
  const std::optional<unsigned> got = array_.GetOrder(index);
  if (got != oracle_.GetOrder(index)) {
    return Differs("GetOrder", index, got.value_or(99), oracle_.GetOrder(index).value_or(99));
  }
  const auto held = oracle_.Find(index);
  for (Mark mark : xarray::kAllMarks) {
    const bool marked = held != oracle_.map().end() && IsMarked(held->second, mark);
    if (array_.GetMark(index, mark) != marked) return Differs("GetMark", index, !marked, marked);
  }
  return absl::OkStatus();
}

// From a random index to a random bound: each entry that has an index there once, at the lowest of them.
absl::Status OrderModel::CompareWalk(bool up, bool marked) {
  const Mark mark = xarray::kAllMarks[random_.Below(3)];
  uint64_t first = random_.OneIn(2) ? 0 : PickIndex();
  uint64_t last = random_.OneIn(2) ? kLast : PickIndex();
  if (first > last) std::swap(first, last);
  std::vector<std::pair<uint64_t, Entry>> expected;
  for (auto at = oracle_.FindFrom(first); at != oracle_.map().end() && at->first <= last; ++at) {
    if (at->second.entry == xarray::kZero || (marked && !IsMarked(at->second, mark))) continue;
    expected.emplace_back(std::max(at->first, first), at->second.entry);
  }
  if (!up) std::reverse(expected.begin(), expected.end());
  const char* const what = up ? (marked ? "NextMarked" : "Next") : (marked ? "PrevMarked" : "Prev");
  reclaim::ReadSection section;
  xarray::Cursor cursor(array_, up ? first : last);
  const auto step = [&] {
    if (up) return marked ? cursor.NextMarked(mark, last) : cursor.Next(last);
    return marked ? cursor.PrevMarked(mark, first) : cursor.Prev(first);
  };
  for (const auto& [index, entry] : expected) {
    const Entry got = step();
    if (got != entry || cursor.index() != index) return Differs(what, index, cursor.index(), index);
    if (random_.OneIn(8)) cursor.Pause();
  }
  const Entry end = step();
  return end == kNull ? absl::OkStatus() : Differs("end of a walk", cursor.index(), end, kNull);
}

absl::Status OrderModel::CompareIndexByIndex() {
  reclaim::ReadSection section;
  uint64_t index = PickIndex();
  xarray::Cursor cursor(array_, index);
  const bool up = random_.OneIn(2);
  for (int i = 0; i < 150; ++i, index += up ? 1 : kLast) {
    const Entry got = up ? cursor.NextIndex() : cursor.PrevIndex();
    if (got != oracle_.Load(index) || cursor.index() != index)
      return Differs("by index", index, got, oracle_.Load(index));
  }
  return absl::OkStatus();
}

}  // namespace mxa::tests
