// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/walk_check.h"

#include <algorithm>

#include "absl/strings/str_format.h"

namespace mxa::torture {

WalkCheck::WalkCheck(absl::Span<const uint64_t> anchors, uint64_t first, uint64_t last, Way way, uint64_t most_steps,
                     bool only_anchors)
    : first_(first), last_(last), way_(way), most_steps_(most_steps), only_anchors_(only_anchors) {
  const auto* begin = std::lower_bound(anchors.begin(), anchors.end(), first);
  const auto* end = std::upper_bound(begin, anchors.end(), last);
  left_ = absl::MakeConstSpan(begin, static_cast<size_t>(end - begin));
}

std::optional<uint64_t> WalkCheck::Expected() const {
  if (left_.empty()) return std::nullopt;
  return way_ == Way::kUp ? left_.front() : left_.back();
}

std::optional<std::string> WalkCheck::Met(uint64_t index) {
  if (++steps_ > most_steps_) return absl::StrFormat("a walk has no end: %d steps, the last at %d", steps_, index);
  if (index < first_ || index > last_) return absl::StrFormat("met %d, outside %d to %d", index, first_, last_);
  if (met_.has_value() && !Before(*met_, index)) return absl::StrFormat("met %d behind %d", index, *met_);
  met_ = index;
  const std::optional<uint64_t> expected = Expected();
  if (expected == index) {
    way_ == Way::kUp ? left_.remove_prefix(1) : left_.remove_suffix(1);
    return std::nullopt;
  }
  if (expected.has_value() && Before(*expected, index)) return absl::StrFormat("missed %d, met %d", *expected, index);
  if (only_anchors_) return absl::StrFormat("met %d, which is not marked", index);
  return std::nullopt;
}

std::optional<std::string> WalkCheck::AtEnd() const {
  const std::optional<uint64_t> expected = Expected();
  if (!expected.has_value()) return std::nullopt;
  return absl::StrFormat("missed %d: the walk ended%s", *expected,
                         met_.has_value() ? absl::StrFormat(" at %d", *met_) : " at once");
}

}  // namespace mxa::torture
