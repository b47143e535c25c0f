// SPDX-License-Identifier: Apache-2.0
//
// `mxa relocate` from arguments to exit status.
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_RELOCATE_COMMAND_H_
#define MXA_TOOLS_MXA_RELOCATE_COMMAND_H_

#include <cstdio>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace mxa::tool {

// The process's exit status: 0 good; 1 a reader error, a broken invariant or a missed return of memory; 2 bad usage or
// input.
int RelocateCommand(absl::Span<const absl::string_view> arguments, FILE* out, FILE* err);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_RELOCATE_COMMAND_H_
