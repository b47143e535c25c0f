// SPDX-License-Identifier: Apache-2.0
#include "tests/support/register_history.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"

namespace mxa::tests {
namespace {

using Kind = RegisterCall::Kind;

// The value after `call` took effect on a register that holds `value`; nothing if it would not have said what it said.
std::optional<uint64_t> After(const RegisterCall& call, uint64_t value) {
  if (call.kind == Kind::kInsert) {
    if (call.result != (value == 0 ? 1 : 0)) return std::nullopt;
    return value == 0 ? call.desired : value;
  }
  if (call.result != value) return std::nullopt;
  switch (call.kind) {
    case Kind::kStore:
      return call.desired;
    case Kind::kErase:
      return 0;
    case Kind::kCompareExchange:
      return value == call.expected ? call.desired : value;
    default:
      return value;
  }
}

class Search {
 public:
  explicit Search(std::vector<RegisterCall> calls) : calls_(std::move(calls)) {}

  // Whether the calls that are not in the set `done` can follow, when the register holds `value`.
  bool CanFollow(uint64_t done, uint64_t value) {
    most_done_ = std::max(most_done_, std::popcount(done));
    if (static_cast<size_t>(std::popcount(done)) == calls_.size()) return true;
    if (!tried_.insert({done, value}).second) return false;
    uint64_t first_end = ~uint64_t{0};
    for (size_t i = 0; i < calls_.size(); ++i) {
      if ((done >> i & 1) == 0) first_end = std::min(first_end, calls_[i].end);
    }
    // What changes nothing comes at once when it can: whatever explains the rest with it later, does so without it.
    uint64_t changes = 0;
    for (size_t i = 0; i < calls_.size() && calls_[i].begin < first_end; ++i) {
      if ((done >> i & 1) != 0) continue;
      const std::optional<uint64_t> after = After(calls_[i], value);
      if (after == value) return CanFollow(done | uint64_t{1} << i, value);
      if (after.has_value()) changes |= uint64_t{1} << i;
    }
    for (size_t i = 0; i < calls_.size(); ++i) {
      if ((changes >> i & 1) != 0 && CanFollow(done | uint64_t{1} << i, *After(calls_[i], value))) return true;
    }
    return false;
  }

  int most_done() const { return most_done_; }

 private:
  const std::vector<RegisterCall> calls_;  // by their beginnings
  absl::flat_hash_set<std::pair<uint64_t, uint64_t>> tried_;
  int most_done_ = 0;
};

std::vector<RegisterCall> ByBeginning(absl::Span<const RegisterCall> history) {
  std::vector<RegisterCall> calls(history.begin(), history.end());
  std::sort(calls.begin(), calls.end(), [](const RegisterCall& a, const RegisterCall& b) { return a.begin < b.begin; });
  return calls;
}

}  // namespace

std::string RegisterCall::ToString() const {
  std::string text;
  switch (kind) {
    case Kind::kLoad:
      text = "Load()";
      break;
    case Kind::kStore:
      text = absl::StrFormat("Store(%u)", desired);
      break;
    case Kind::kInsert:
      text = absl::StrFormat("Insert(%u)", desired);
      break;
    case Kind::kCompareExchange:
      text = absl::StrFormat("CompareExchange(%u, %u)", expected, desired);
      break;
    case Kind::kErase:
      text = "Erase()";
      break;
  }
  return absl::StrFormat("thread %d, %u to %u: %s -> %u", thread, begin, end, text, result);
}

absl::Status CheckLinearizable(uint64_t initial, absl::Span<const RegisterCall> history) {
  MXA_CHECK(history.size() <= kMostCalls, "too many calls for one history");
  for (const RegisterCall& call : history) MXA_CHECK(call.begin < call.end, "a call that ended before it began");
  const std::vector<RegisterCall> calls = ByBeginning(history);
  Search search(calls);
  if (search.CanFollow(0, initial)) return absl::OkStatus();
  std::string text = absl::StrFormat("no order explains more than %d of these %d calls on a register that held %u:\n",
                                     search.most_done(), calls.size(), initial);
  for (const RegisterCall& call : calls) absl::StrAppend(&text, call.ToString(), "\n");
  return absl::InternalError(text);
}

size_t CountOverlaps(absl::Span<const RegisterCall> history) {
  const std::vector<RegisterCall> calls = ByBeginning(history);
  size_t count = 0;
  for (size_t i = 0; i < calls.size(); ++i) {
    for (size_t j = i + 1; j < calls.size() && calls[j].begin < calls[i].end; ++j) {
      count += calls[j].thread != calls[i].thread ? 1 : 0;
    }
  }
  return count;
}

}  // namespace mxa::tests
