// SPDX-License-Identifier: Apache-2.0
//
// The program as a function: finds the subcommand and runs it.
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_MXA_COMMAND_H_
#define MXA_TOOLS_MXA_MXA_COMMAND_H_

#include <cstdio>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace mxa::tool {

// `arguments` without the program's own name. Returns the process's exit status.
int MxaCommand(absl::Span<const absl::string_view> arguments, FILE* out, FILE* err);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_MXA_COMMAND_H_
