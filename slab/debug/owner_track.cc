// SPDX-License-Identifier: Apache-2.0
#include "slab/debug/owner_track.h"

#include <execinfo.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "absl/base/attributes.h"
#include "absl/debugging/symbolize.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace mxa::slab {
namespace {

int64_t Now() { return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

ABSL_ATTRIBUTE_NOINLINE OwnerTrack OwnerTrack::Capture() {
  OwnerTrack track;
  track.time_ns = Now();
  track.thread = static_cast<uint32_t>(gettid());
  // The first frames are this function's, and a sanitizer's around backtrace.
  std::array<void*, kMaxFrames + 2> frames;
  const auto end = frames.begin() + backtrace(frames.data(), static_cast<int>(frames.size()));
  const auto caller = std::find(frames.begin(), end, __builtin_return_address(0));
  const auto first = caller != end ? caller : frames.begin();
  track.depth = static_cast<uint32_t>(std::min<size_t>(static_cast<size_t>(end - first), kMaxFrames));
  std::copy_n(first, track.depth, track.frames.begin());
  return track;
}

std::string OwnerTrack::Describe(const char* what) const {
  if (!recorded()) return "";
  const double seconds = static_cast<double>(Now() - time_ns) * 1e-9;
  return absl::StrFormat("  %s by thread %d, %.3f s ago:\n%s", what, thread, seconds, DescribeStack(stack()));
}

std::string DescribeStack(absl::Span<void* const> stack) {
  std::string lines;
  for (void* frame : stack) {
    std::array<char, 256> name{};
    // The call lies before the return address, which may be the next function's first.
    const bool known = absl::Symbolize(static_cast<char*>(frame) - 1, name.data(), static_cast<int>(name.size()));
    absl::StrAppendFormat(&lines, "    %p %s\n", frame, known ? name.data() : "(unknown)");
  }
  return lines;
}

}  // namespace mxa::slab
