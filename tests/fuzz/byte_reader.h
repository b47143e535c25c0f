// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a program, one after the other, and zeros when none is left.
#ifndef MXA_TESTS_FUZZ_BYTE_READER_H_
#define MXA_TESTS_FUZZ_BYTE_READER_H_

#include <cstdint>

#include "absl/types/span.h"

namespace mxa::fuzz {

class ByteReader {
 public:
  explicit ByteReader(absl::Span<const uint8_t> bytes) : bytes_(bytes) {}

  bool AtEnd() const { return bytes_.empty(); }
  uint8_t Byte() {
    if (AtEnd()) return 0;
    const uint8_t byte = bytes_.front();
    bytes_.remove_prefix(1);
    return byte;
  }

 private:
  absl::Span<const uint8_t> bytes_;
};

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_BYTE_READER_H_
