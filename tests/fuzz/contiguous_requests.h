// SPDX-License-Identifier: Apache-2.0
//
// Waits for requests for contiguous memory that their callers have left behind: a model knows nothing of what they do.
#ifndef MXA_TESTS_FUZZ_CONTIGUOUS_REQUESTS_H_
#define MXA_TESTS_FUZZ_CONTIGUOUS_REQUESTS_H_

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace mxa::fuzz {

// Whether a thread of a request lives. They are known by their name, which is all that is left of them.
inline bool ARequestRuns() {
  std::error_code gone;  // a thread may end meanwhile
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", gone)) {
    std::ifstream stream(task.path() / "comm");
    std::string name;
    if (std::getline(stream, name) && name == "mxa-contiguous") return true;
  }
  return false;
}

inline void AwaitContiguousRequests() {
  while (ARequestRuns()) absl::SleepFor(absl::Microseconds(50));
}

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_CONTIGUOUS_REQUESTS_H_
