// SPDX-License-Identifier: Apache-2.0
//
// Streams of random numbers that cost a benchmark next to nothing, and are the same for both sides of a pair.
#ifndef MXA_BENCH_SUPPORT_STREAM_H_
#define MXA_BENCH_SUPPORT_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace mxa::bench {

// Independent random numbers below a power of two: a multiplication, an addition and a shift each (Knuth's MMIX
// generator, its high bits). Nothing is read from memory, so that the loads measured have the caches to themselves.
class Stream {
 public:
  Stream(uint64_t seed, unsigned bits) : state_(seed), shift_(64 - bits) {}

  uint64_t Next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return state_ >> shift_;
  }

 private:
  uint64_t state_;
  unsigned shift_;
};

// 0 .. count - 1 in random order.
inline std::vector<uint32_t> Shuffled(size_t count, uint64_t seed) {
  std::vector<uint32_t> order(count);
  for (size_t i = 0; i < count; ++i) order[i] = static_cast<uint32_t>(i);
  Stream stream(seed, 32);
  for (size_t i = count; i > 1; --i) std::swap(order[i - 1], order[stream.Next() * i >> 32]);
  return order;
}

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_STREAM_H_
