// SPDX-License-Identifier: Apache-2.0
//
// `mxa top`: the caches of a running process, looked at again and again.
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_TOP_COMMAND_H_
#define MXA_TOOLS_MXA_TOP_COMMAND_H_

#include <cstdio>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace mxa::tool {

// Returns the exit status: 0 when it has looked as often as asked or the process has ended; 2 for bad usage, or when it
// could not look even once.
int TopCommand(absl::Span<const absl::string_view> arguments, FILE* out, FILE* err);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_TOP_COMMAND_H_
