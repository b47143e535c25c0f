// SPDX-License-Identifier: Apache-2.0
//
// The one source of chance: a seeded generator and the mixing function under it, so that a run can be repeated by its
// seed.
//
// Threads: a Random belongs to one thread; Mix64 is pure.
// Why not <random>: its distributions differ from library to library, and a seed has to mean the same everywhere.
#ifndef MXA_TOOLS_MXA_RANDOM_H_
#define MXA_TOOLS_MXA_RANDOM_H_

#include <cstdint>

namespace mxa::tool {

// Every bit of the result depends on every bit of `x` (the finalizer of SplitMix64).
constexpr uint64_t Mix64(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9;
  x ^= x >> 27;
  x *= 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

class Random {
 public:
  explicit Random(uint64_t seed) : state_(Mix64(seed + kStep)) {}

  uint64_t Next() { return Mix64(state_ += kStep); }

  // Evenly below `bound`. REQUIRES: bound != 0.
  uint64_t Below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(Next()) * bound) >> 64);
  }
  // True once in `n` calls, on average. REQUIRES: n != 0.
  bool OneIn(uint64_t n) { return Below(n) == 0; }

 private:
  static constexpr uint64_t kStep = 0x9e3779b97f4a7c15;
  uint64_t state_;
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_RANDOM_H_
