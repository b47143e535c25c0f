// SPDX-License-Identifier: Apache-2.0
//
// Which schedule points lie in operations on an array: those of readers and writers, and the end of each operation that
// took an array's lock.
//
// All do but those named here, so that a new point is one at once; tests/support/operation_points_test.cc holds the names
// in the sources against this.
#ifndef MXA_TESTS_SUPPORT_OPERATION_POINTS_H_
#define MXA_TESTS_SUPPORT_OPERATION_POINTS_H_

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace mxa::tests {

inline bool IsInOperation(absl::string_view point) {
  constexpr absl::string_view kMovers[] = {"mover.", "value_mover.", "detach.", "pass."};
  constexpr absl::string_view kBelow[] = {"rcu.",           "retire.",     "recycle.",         "housekeeping.",
                                          "owner_section.", "drain.",      "take_back.",       "slab.",
                                          "settle.",        "contiguous.", "direct_reclaim.",  "pinned_caches.",
                                          "roster.",        "owner_pin.",  "foreign_section.", "fork_thread."};
  for (const absl::string_view prefix : kMovers) {
    if (absl::StartsWith(point, prefix)) return false;
  }
  for (const absl::string_view prefix : kBelow) {
    if (absl::StartsWith(point, prefix)) return false;
  }
  return !absl::EndsWith(point, ".await_unpinned");  // the array has no nodes any more
}

// Of those, the ones that an operation comes to once, at its beginning or its end.
inline bool BoundsOperation(absl::string_view point) {
  return point == "array.unlocked" || absl::EndsWith(point, ".step");
}

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_OPERATION_POINTS_H_
