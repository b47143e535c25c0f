// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace mxa::base_internal {

void CheckFailed(const char* file, int line, const char* condition, const char* message) {
  char text[512];
  const int length =
      std::snprintf(text, sizeof(text), "mxa: %s:%d: check failed: %s: %s\n", file, line, condition, message);
  if (length > 0) {
    const size_t size = static_cast<size_t>(length) < sizeof(text) ? static_cast<size_t>(length) : sizeof(text) - 1;
    // The process is about to abort: a short or failed write changes nothing that could still be done.
    [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, text, size);
  }
  std::abort();
}

}  // namespace mxa::base_internal
