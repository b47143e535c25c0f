// SPDX-License-Identifier: Apache-2.0
//
// Checks that stay on in every build: a broken invariant or a caller's bug ends the process with one clear line.
//
// Why not assert(): it vanishes in release builds, and a corrupted allocator that runs on destroys data.
#ifndef MXA_BASE_CHECK_H_
#define MXA_BASE_CHECK_H_

#include "absl/base/optimization.h"

namespace mxa::base_internal {

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition, const char* message);

}  // namespace mxa::base_internal

// Ends the process with `mxa: FILE:LINE: check failed: CONDITION: MESSAGE` unless `condition` holds.
// Context: any; async-signal-safe, takes no lock and allocates nothing.
#define MXA_CHECK(condition, message)                                             \
  do {                                                                            \
    if (ABSL_PREDICT_FALSE(!(condition))) {                                       \
      ::mxa::base_internal::CheckFailed(__FILE__, __LINE__, #condition, message); \
    }                                                                             \
  } while (false)

// As MXA_CHECK where the check was measured too hot for release builds; the condition must still compile there.
#ifdef NDEBUG
#define MXA_DCHECK(condition, message) \
  do {                                 \
    if (false) {                       \
      MXA_CHECK(condition, message);   \
    }                                  \
  } while (false)
#else
#define MXA_DCHECK(condition, message) MXA_CHECK(condition, message)
#endif

#endif  // MXA_BASE_CHECK_H_
