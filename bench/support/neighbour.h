// SPDX-License-Identifier: Apache-2.0
//
// Work that has nothing to do with what is measured, on another processor: what a reader loses to it, it loses to the machine.
#ifndef MXA_BENCH_SUPPORT_NEIGHBOUR_H_
#define MXA_BENCH_SUPPORT_NEIGHBOUR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace mxa::bench {

// Copies pieces of `piece` bytes, one after the other, from one half of a memory of its own to the other and back, while told
// to; at rest when made. Without memory (0 bytes) it computes instead.
class Neighbour {
 public:
  Neighbour(size_t bytes, size_t piece);
  ~Neighbour();
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

  void Go() { going_.store(true, std::memory_order_relaxed); }     // relaxed: a request
  void Rest() { going_.store(false, std::memory_order_relaxed); }  // relaxed: a request, met within microseconds
  // Pieces copied, or rounds of computing.
  uint64_t done() const { return done_.load(std::memory_order_relaxed); }  // relaxed: a statistic

 private:
  void Run();

  const size_t piece_;
  std::vector<char> from_;
  std::vector<char> to_;
  std::atomic<bool> going_{false};
  std::atomic<bool> ending_{false};
  std::atomic<uint64_t> done_{0};
  std::thread thread_;
};

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_NEIGHBOUR_H_
