// SPDX-License-Identifier: Apache-2.0
//
// Who did something to an object: thread, time and stack.
//
// Threads: a value; whoever shares one guards it.
// Why not absl::GetStackTrace: it follows frame pointers, and where a library on the stack was built without them it
// yields what lies there instead. The C library's backtrace needs none; it is slower, at some microseconds a stack.
#ifndef MXA_SLAB_DEBUG_OWNER_TRACK_H_
#define MXA_SLAB_DEBUG_OWNER_TRACK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/types/span.h"

namespace mxa::slab {

struct OwnerTrack {
  static constexpr size_t kMaxFrames = 16;

  int64_t time_ns = 0;  // steady clock; 0: nothing is recorded
  uint32_t thread = 0;  // as the kernel numbers threads
  uint32_t depth = 0;
  std::array<void*, kMaxFrames> frames{};  // return addresses, the innermost first

  // The calling thread, now, from the caller of Capture on. Context: takes no lock; the first call of a process loads
  // the unwinder.
  static OwnerTrack Capture();

  bool recorded() const { return time_ns != 0; }
  // Never more than there is room for, even when `depth` was overwritten.
  absl::Span<void* const> stack() const { return {frames.data(), depth < kMaxFrames ? depth : kMaxFrames}; }
  // "WHAT by thread 7, 1.250 s ago:" and a line a frame, with names where they can be had; empty when nothing is
  // recorded.
  std::string Describe(const char* what) const;
};

// "    ADDRESS NAME\n" a frame.
std::string DescribeStack(absl::Span<void* const> stack);

}  // namespace mxa::slab

#endif  // MXA_SLAB_DEBUG_OWNER_TRACK_H_
