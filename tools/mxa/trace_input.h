// SPDX-License-Identifier: Apache-2.0
//
// Reads a whole block trace: an array per device, its blocks in the order of their first touch.
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_TRACE_INPUT_H_
#define MXA_TOOLS_MXA_TRACE_INPUT_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "tools/mxa/input_stream.h"
#include "tools/mxa/trace_format.h"
#include "tools/mxa/workload.h"

namespace mxa::tool {

// Errors: kInvalidArgument, `NAME:LINE: what is wrong`, or what the stream says; a trace with more than `max_entries`
// distinct blocks, or without any, is refused too. A header line, CR LF and empty lines at the end are taken.
absl::StatusOr<Workload> ReadTrace(InputStream& stream, TraceFormat format, uint64_t max_entries);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_TRACE_INPUT_H_
