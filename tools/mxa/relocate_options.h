// SPDX-License-Identifier: Apache-2.0
//
// What `mxa relocate` was asked to do.
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_RELOCATE_OPTIONS_H_
#define MXA_TOOLS_MXA_RELOCATE_OPTIONS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tools/mxa/trace_format.h"

namespace mxa::tool {

struct RelocateOptions {
  std::string tree;   // a folder, or
  std::string trace;  // a file ("-": standard input) in this format:
  TraceFormat format = TraceFormat::kCloudPhysics;

  double keep = 0.1;
  uint64_t readers = 2;
  uint64_t writers = 0;
  uint64_t seed = 1;
  double seconds = 0;         // keep nodes moving for at least so long; 0: until they are packed
  double phase_seconds = -1;  // reading undisturbed before and after; below 0: by how much there is
  uint64_t max_entries = 50'000'000;
  std::string json;    // file to write ("-": standard output), or empty
  std::string html;    // file to write a page to, or empty
  std::string socket;  // where `mxa slabinfo` can ask during the run, or empty
  bool order = false;  // at the end, put the nodes in order
  bool quiet = false;
  bool help = false;

  // Where the input comes from, for messages.
  absl::string_view input() const { return trace.empty() ? tree : trace; }
};

// Errors: kInvalidArgument, in one line.
absl::StatusOr<RelocateOptions> ParseRelocateOptions(absl::Span<const absl::string_view> arguments);

std::string RelocateHelp();

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_RELOCATE_OPTIONS_H_
