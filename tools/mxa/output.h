// SPDX-License-Identifier: Apache-2.0
//
// How a subcommand says what it has to say: text that is known to be written, and errors on one line.
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_OUTPUT_H_
#define MXA_TOOLS_MXA_OUTPUT_H_

#include <cstdio>

#include "absl/strings/string_view.h"

namespace mxa::tool {

// The exit status for bad usage or input.
inline constexpr int kBadUsage = 2;

// One line, whatever file names contain.
void Complain(FILE* err, absl::string_view what);

// Complains, and returns kBadUsage.
int Fail(FILE* err, absl::string_view line);

// True when all of `text` has reached `file`.
bool Put(FILE* file, absl::string_view text);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_OUTPUT_H_
