// SPDX-License-Identifier: Apache-2.0
//
// Nanoseconds since some moment, never backwards.
//
// Threads: any.
#ifndef MXA_TOOLS_MXA_CLOCK_H_
#define MXA_TOOLS_MXA_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace mxa::tool {

inline uint64_t NowNs() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_CLOCK_H_
