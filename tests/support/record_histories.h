// SPDX-License-Identifier: Apache-2.0
//
// Lets threads loose on a few indices of one array while its nodes move without pause, in short bursts, and checks the
// history of each index after each burst.
//
// The indices lie far apart, so that the tree's height changes all the time, and two of them side by side. Loads come in
// every way there is: alone, many at once, and by the steps of a cursor that lives through a whole burst in one read
// section. Only the last can stand in a node that has left the tree when a call begins.
// Threads: called by one; starts and joins its own.
#ifndef MXA_TESTS_SUPPORT_RECORD_HISTORIES_H_
#define MXA_TESTS_SUPPORT_RECORD_HISTORIES_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace mxa::tests {

struct HistoryOptions {
  int threads = 2;
  uint64_t seed = 1;
  // Goes on at least this long, and as long again and again until enough has happened at once, but not for ever.
  absl::Duration time = absl::Seconds(2);
  absl::Duration at_most = absl::Seconds(40);
  uint64_t enough_overlaps = 300;
  uint64_t enough_moves = 100;
};

struct HistoryReport {
  absl::Status violation;  // the first, which ends it; OK if there was none
  uint64_t bursts = 0;
  uint64_t calls = 0;
  uint64_t overlaps = 0;  // pairs of calls on one index that ran at the same time
  uint64_t moves = 0;     // of nodes, by passes
};

HistoryReport RecordHistories(const HistoryOptions& options);

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_RECORD_HISTORIES_H_
