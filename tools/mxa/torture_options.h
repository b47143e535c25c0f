// SPDX-License-Identifier: Apache-2.0
//
// What `mxa torture` was asked to do.
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_TORTURE_OPTIONS_H_
#define MXA_TOOLS_MXA_TORTURE_OPTIONS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tools/torture/options.h"

namespace mxa::tool {

struct TortureOptions {
  torture::Options run;
  std::string json;  // file to write ("-": standard output), or empty
  std::string html;  // file to write a page to, or empty
  bool quiet = false;
  bool help = false;
  bool list_scenarios = false;
  bool list_breaks = false;
};

// Errors: kInvalidArgument, in one line; so is a planted bug in a build without them.
absl::StatusOr<TortureOptions> ParseTortureOptions(absl::Span<const absl::string_view> arguments);

std::string TortureHelp();
// A line a scenario, or a planted bug: its name and what it is.
std::string ScenarioList();
std::string BreakList();

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_TORTURE_OPTIONS_H_
