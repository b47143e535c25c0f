// SPDX-License-Identifier: Apache-2.0
//
// A clock cheap enough to time what takes a hundred nanoseconds.
//
// Threads: any. Readings of two processors may differ by a little; a difference is never negative by more than that,
// and is cut at 0. Why not steady_clock: on x86-64 its call costs as much as some of the stretches that are timed.
#ifndef MXA_BASE_CYCLE_CLOCK_H_
#define MXA_BASE_CYCLE_CLOCK_H_

#include <atomic>
#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace mxa {

class CycleClock {
 public:
  // A reading; only differences of two mean something.
  static uint64_t Now() {
#if defined(__x86_64__)
    return __rdtsc();
#else
    return SteadyNs();
#endif
  }

  // Cycles from `start` until now.
  static uint64_t Since(uint64_t start) {
    const uint64_t now = Now();
    return now > start ? now - start : 0;
  }

  // The first call takes two milliseconds to find the clock's rate.
  static uint64_t ToNanoseconds(uint64_t cycles) {
#if defined(__x86_64__)
    // Not a static with an initialiser, which the child of a fork could find half made. Relaxed: any thread's result
    // does.
    static std::atomic<double> known{0};
    double ns_per_cycle = known.load(std::memory_order_relaxed);
    if (ns_per_cycle == 0) {
      ns_per_cycle = Calibrate();
      known.store(ns_per_cycle, std::memory_order_relaxed);
    }
    return static_cast<uint64_t>(static_cast<double>(cycles) * ns_per_cycle);
#else
    return cycles;
#endif
  }

 private:
  static uint64_t SteadyNs() {
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
            .count());
  }

#if defined(__x86_64__)
  static double Calibrate() {
    const uint64_t start_ns = SteadyNs();
    const uint64_t start = Now();
    uint64_t ns = 0;
    do {
      ns = SteadyNs() - start_ns;
    } while (ns < 2'000'000);
    const uint64_t cycles = Since(start);
    return cycles == 0 ? 1.0 : static_cast<double>(ns) / static_cast<double>(cycles);
  }
#endif
};

}  // namespace mxa

#endif  // MXA_BASE_CYCLE_CLOCK_H_
