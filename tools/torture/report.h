// SPDX-License-Identifier: Apache-2.0
//
// What a run found out, and the verdict that follows from it.
//
// Threads: plain data.
#ifndef MXA_TOOLS_TORTURE_REPORT_H_
#define MXA_TOOLS_TORTURE_REPORT_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/torture/errors.h"
#include "tools/torture/figures.h"
#include "tools/torture/options.h"
#include "tools/torture/pipe_counts.h"

namespace mxa::torture {

enum class Verdict : uint8_t { kSuccess, kFailure, kInconclusive, kStall };
const char* VerdictName(Verdict verdict);
// Of the process: 0, 1, 3, 4.
int ExitStatus(Verdict verdict);

struct Report {
  Options options;
  double seconds = 0;
  FigureValues figures{};
  std::array<uint64_t, kErrors> errors{};
  std::string first_error;
  std::string first_operations;
  std::vector<std::string> shortfalls;  // figures that are too low, in words
  bool stalled = false;
  int planted_runs = 0;        // how often the planted bug was executed
  uint64_t digest = 0;         // of a single-threaded run: the same in every run with the same options
  uint64_t grace_periods = 0;  // waited for by the process
  uint64_t backlog = 0;        // elements retired and not called back yet
  double longest_latency = 0;  // of a grace period, in seconds
  PipeCounts::Buckets reader_pipe{};
  PipeCounts::Buckets reader_batch{};
  PipeCounts::Buckets circulation{};

  uint64_t figure(Figure figure) const { return figures[static_cast<size_t>(figure)]; }
  uint64_t total_errors() const;
  Verdict verdict() const;
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_REPORT_H_
