// SPDX-License-Identifier: Apache-2.0
//
// How the machines say that something is not as the model says.
#ifndef MXA_TESTS_FUZZ_DIFFERS_H_
#define MXA_TESTS_FUZZ_DIFFERS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"

namespace mxa::fuzz {

inline absl::Status Differs(const char* what, uint64_t index, uint64_t got, uint64_t expected) {
  return absl::InternalError(absl::StrFormat("%s at %u: got %#x, expected %#x", what, index, got, expected));
}

// OK when `got` is `expected`.
inline absl::Status Same(const char* what, uint64_t index, uint64_t got, uint64_t expected) {
  return got == expected ? absl::OkStatus() : Differs(what, index, got, expected);
}

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_DIFFERS_H_
