// SPDX-License-Identifier: Apache-2.0
//
// Programs for when no fuzzer is at hand.
#ifndef MXA_TESTS_FUZZ_RANDOM_PROGRAM_H_
#define MXA_TESTS_FUZZ_RANDOM_PROGRAM_H_

#include <cstdint>
#include <vector>

#include "tests/support/random.h"

namespace mxa::fuzz {

// Bytes of which each is as likely as the others.
inline std::vector<uint8_t> RandomBytes(uint64_t seed) {
  tests::Random random(seed);
  std::vector<uint8_t> bytes(16 + random.Below(500));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.Next());
  return bytes;
}

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_RANDOM_PROGRAM_H_
