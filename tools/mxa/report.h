// SPDX-License-Identifier: Apache-2.0
//
// What a run of `mxa relocate` found out, and how it is said: as a table and as JSON.
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_REPORT_H_
#define MXA_TOOLS_MXA_REPORT_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "slab/cache_stats.h"
#include "tools/mxa/footprint.h"
#include "tools/mxa/readers.h"
#include "tools/mxa/relocate_options.h"
#include "tools/mxa/timeline.h"
#include "tools/mxa/walk_speed.h"

namespace mxa::tool {

struct Report {
  RelocateOptions options;
  std::string notice;  // about the input, or empty

  // Before the drop; and how long loading and dropping took.
  uint64_t arrays_loaded = 0;
  uint64_t entries_loaded = 0;
  double read_input_seconds = 0;
  double load_seconds = 0;
  double drop_seconds = 0;

  Footprint before;  // after the drop
  Footprint after;

  slab::CompactStats moves;  // under readers
  uint64_t moves_wall_ns = 0;
  uint64_t longest_lock_ns = 0;
  uint64_t settling_moves = 0;  // at rest at the end, where writers or endless moves left nodes apart

  WalkSpeed speed_before;
  WalkSpeed speed_after;

  std::array<PhaseReads, kPhases> reads;
  std::array<uint64_t, kPhases> phase_ns{};
  uint64_t reader_errors = 0;
  std::string first_error;
  uint64_t writes = 0;
  uint64_t writes_refused = 0;

  Timeline timeline;  // empty unless a page is asked for

  std::vector<std::string> problems;  // each a reason for exit status 1, in one line

  int exit_status() const { return problems.empty() ? 0 : 1; }
  double per_second(Phase phase) const;
  double nodes_per_grace_period() const;
  // Per node moved: `total` nanoseconds.
  double per_node(uint64_t total) const;
  const PhaseReads& in(Phase phase) const { return reads[static_cast<size_t>(phase)]; }
};

std::string TableOf(const Report& report);
std::string JsonOf(const Report& report);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_REPORT_H_
