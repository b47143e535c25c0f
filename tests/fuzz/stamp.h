// SPDX-License-Identifier: Apache-2.0
//
// A value that proves whose it is, and that it is whole and not destroyed.
#ifndef MXA_TESTS_FUZZ_STAMP_H_
#define MXA_TESTS_FUZZ_STAMP_H_

#include <atomic>
#include <cstdint>

namespace mxa::fuzz {

struct Stamp {
  explicit Stamp(uint64_t number) : id(number) {
    for (uint64_t& word : words) word = WordOf(number);
  }
  bool Proves(uint64_t number) const {
    bool same = id == number;
    for (const uint64_t word : words) same = same && word == WordOf(number);
    return same;
  }
  static uint64_t WordOf(uint64_t number) { return (number + 1) * 0x9e3779b97f4a7c15u; }

  uint64_t id;
  uint64_t words[24];
};

// One that is counted while it lives.
struct OwnedStamp : Stamp {
  explicit OwnedStamp(uint64_t number) : Stamp(number) { ++alive; }
  ~OwnedStamp() {
    --alive;
    words[0] = 0;
  }
  OwnedStamp(const OwnedStamp&) = delete;
  OwnedStamp& operator=(const OwnedStamp&) = delete;

  static inline std::atomic<int64_t> alive{0};
};

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_STAMP_H_
