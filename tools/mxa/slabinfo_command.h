// SPDX-License-Identifier: Apache-2.0
//
// `mxa slabinfo` from arguments to exit status.
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_SLABINFO_COMMAND_H_
#define MXA_TOOLS_MXA_SLABINFO_COMMAND_H_

#include <cstdio>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace mxa::tool {

// The process's exit status: 0 good; 2 bad usage, a source that cannot be read, or output that cannot be written.
int SlabinfoCommand(absl::Span<const absl::string_view> arguments, FILE* out, FILE* err);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_SLABINFO_COMMAND_H_
