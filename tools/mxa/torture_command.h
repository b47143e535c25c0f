// SPDX-License-Identifier: Apache-2.0
//
// `mxa torture` from arguments to exit status.
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_TORTURE_COMMAND_H_
#define MXA_TOOLS_MXA_TORTURE_COMMAND_H_

#include <cstdio>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace mxa::tool {

// The process's exit status: 0 nothing found; 1 a violation; 2 bad usage; 3 too little done; 4 a stall.
int TortureCommand(absl::Span<const absl::string_view> arguments, FILE* out, FILE* err);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_TORTURE_COMMAND_H_
