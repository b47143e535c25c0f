// SPDX-License-Identifier: Apache-2.0
//
// Small text files by which the kernel tells numbers: /proc/meminfo, memory.max and the like.
//
// Threads: any. Every call opens and reads the file anew. Errors: kNotFound when it is not there, kInvalidArgument when
// it says something else than expected, else what the system says.
#ifndef MXA_RECLAIM_KERNEL_FILE_H_
#define MXA_RECLAIM_KERNEL_FILE_H_

#include <cstdint>
#include <limits>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mxa::reclaim {

// A limit that is none: "max", or a number that no machine has.
inline constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

// The whole of `path`, up to 64 KiB.
absl::StatusOr<std::string> ReadKernelFile(const std::string& path);

// The one number in it, or kNoLimit.
absl::StatusOr<uint64_t> ReadKernelNumber(const std::string& path);

// The number behind `key` in lines of "key number" or "key: number kB", which is told in bytes.
absl::StatusOr<uint64_t> FindKernelNumber(absl::string_view text, absl::string_view key);

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_KERNEL_FILE_H_
