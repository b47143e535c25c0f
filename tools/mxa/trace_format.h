// SPDX-License-Identifier: Apache-2.0
//
// One line of a block trace, in each of the formats that are read: which blocks of which device it touches.
//
//   cloudphysics  version,time,op,size,lbn        size in bytes, lbn in 512-byte sectors; blocks of 4 KiB
//   arc           start nblocks ignore sequence   blocks of 512 bytes
//   msr           Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime
//                                                 Offset and Size in bytes; a device a host and disk; blocks of 4 KiB
//
// Threads: pure.
#ifndef MXA_TOOLS_MXA_TRACE_FORMAT_H_
#define MXA_TOOLS_MXA_TRACE_FORMAT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mxa::tool {

enum class TraceFormat { kCloudPhysics, kArc, kMsr };

std::optional<TraceFormat> TraceFormatByName(absl::string_view name);

// Blocks `first` .. `first + count - 1` of a device; nothing when `count` is 0. Never reaches beyond the largest index.
struct Request {
  std::string device;  // empty where the format names none
  uint64_t first = 0;
  uint64_t count = 0;
};

// True for the line of column names that the format may begin with.
bool IsTraceHeader(TraceFormat format, absl::string_view line);

// Errors: kInvalidArgument says what is wrong with the line.
absl::StatusOr<Request> ParseTraceLine(TraceFormat format, absl::string_view line);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_TRACE_FORMAT_H_
