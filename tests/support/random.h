// SPDX-License-Identifier: Apache-2.0
//
// Random numbers that come out the same on every machine, from a seed that a failing test prints.
//
// MXA_TEST_SEED in the environment replaces the seed of every test that asks for one.
#ifndef MXA_TESTS_SUPPORT_RANDOM_H_
#define MXA_TESTS_SUPPORT_RANDOM_H_

#include <cstdint>
#include <cstdlib>

namespace mxa::tests {

inline uint64_t TestSeed(uint64_t otherwise) {
  const char* text = std::getenv("MXA_TEST_SEED");
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

// Vigna's splitmix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // Below `limit`, which is not 0.
  uint64_t Below(uint64_t limit) { return Next() % limit; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

 private:
  uint64_t state_;
};

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_RANDOM_H_
