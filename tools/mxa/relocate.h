// SPDX-License-Identifier: Apache-2.0
//
// The main job: loads an index, drops most of it, and compacts its nodes under readers and writers.
//
// Threads: one caller; readers and writers are its own.
#ifndef MXA_TOOLS_MXA_RELOCATE_H_
#define MXA_TOOLS_MXA_RELOCATE_H_

#include "absl/status/statusor.h"
#include "tools/mxa/progress.h"
#include "tools/mxa/relocate_options.h"
#include "tools/mxa/report.h"

namespace mxa::tool {

// Errors: kInvalidArgument for an input that cannot be read, kResourceExhausted for one that does not fit; in one line.
// What goes wrong later is a problem in the report.
absl::StatusOr<Report> Relocate(const RelocateOptions& options, Progress& progress);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_RELOCATE_H_
