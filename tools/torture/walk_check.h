// SPDX-License-Identifier: Apache-2.0
//
// Judges a walk: strictly one way, every entry that was there all the time exactly once, and it comes to an end.
//
// Knows no array, so that a test can feed it every kind of wrong walk.
// Threads: one thread's.
#ifndef MXA_TOOLS_TORTURE_WALK_CHECK_H_
#define MXA_TOOLS_TORTURE_WALK_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/types/span.h"

namespace mxa::torture {

class WalkCheck {
 public:
  enum class Way : uint8_t { kUp, kDown };

  // `anchors`, ascending, are there during the whole walk; of those, the ones at first..last are expected. A walk of more
  // than `most_steps` has no end. `only_anchors`: nothing else may be met.
  WalkCheck(absl::Span<const uint64_t> anchors, uint64_t first, uint64_t last, Way way, uint64_t most_steps,
            bool only_anchors = false);

  // Nothing, or what is wrong with meeting `index` now; the walk is to end then.
  std::optional<std::string> Met(uint64_t index);
  // Nothing, or what was missed. To be called when the walk has ended by itself.
  std::optional<std::string> AtEnd() const;

 private:
  // The anchor that comes next on the way; nothing when all were met.
  std::optional<uint64_t> Expected() const;
  bool Before(uint64_t a, uint64_t b) const { return way_ == Way::kUp ? a < b : a > b; }

  absl::Span<const uint64_t> left_;  // anchors not met yet
  const uint64_t first_;
  const uint64_t last_;
  const Way way_;
  const uint64_t most_steps_;
  const bool only_anchors_;
  uint64_t steps_ = 0;
  std::optional<uint64_t> met_;  // last
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_WALK_CHECK_H_
