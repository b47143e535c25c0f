// SPDX-License-Identifier: Apache-2.0
//
// Says, now and then, that the next allocation should be a guarded one.
//
//   if (sampler.ShouldGuard()) object = pool.Allocate(...);
//
// Invariants:
//   P1  by interval: two samples are at least 3/4 of an interval apart, and one is taken at the first call that is 5/4
//       of an interval or more after the last. What was missed is not made up for.
//   P2  by count: of each `every` calls in a row, over all threads, one is a sample.
//   P3  a sample is one caller's.
// Threads: any, at once; no lock.
// Why by time: production pays the same whatever it allocates. The jitter keeps a program with a rhythm of its own from
// always showing the same allocation. The idea, and the 100 ms, are those of the Linux kernel's KFENCE.
#ifndef MXA_SLAB_GUARD_GUARD_SAMPLER_H_
#define MXA_SLAB_GUARD_GUARD_SAMPLER_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"

namespace mxa::slab {

struct GuardSamplerOptions {
  // Time between samples, give or take a quarter; zero: never by time.
  absl::Duration interval = absl::Milliseconds(100);
  // Not 0: every this many calls, and never by time.
  uint64_t every = 0;
  // Nanoseconds from some start on, never running back; null: the system's coarse clock, good to a few milliseconds.
  uint64_t (*now)() = nullptr;
};

class GuardSampler {
 public:
  // REQUIRES: interval is not negative, and less than a hundred years.    (CHECKed)
  explicit GuardSampler(const GuardSamplerOptions& options = {});
  GuardSampler(const GuardSampler&) = delete;
  GuardSampler& operator=(const GuardSampler&) = delete;

  // Whether it ever says yes.
  bool samples() const { return due_.load(std::memory_order_relaxed) != kNever; }

  // Whether this caller should make its next allocation a guarded one. Meant for slow paths: reads a clock, or counts.
  //
  // Context: any; wait-free.
  bool ShouldGuard() {
    // Relaxed here and below: the value is all that is shared; nothing is published by it.
    const uint64_t due = due_.load(std::memory_order_relaxed);
    if (due == kNever) return false;
    if (every_ != 0) return counter_.fetch_add(1, std::memory_order_relaxed) % every_ == every_ - 1;
    const uint64_t now = now_();
    return now >= due && Claim(due, now);
  }

 private:
  static constexpr uint64_t kNever = ~uint64_t{0};

  // Moves the due time on; false when another thread did.
  bool Claim(uint64_t due, uint64_t now);
  // When the sample after one at `now`, which was due at `due`, is due.
  uint64_t NextAfter(uint64_t now, uint64_t due) const;

  const uint64_t every_;
  const uint64_t interval_ns_;
  uint64_t (*const now_)();
  std::atomic<uint64_t> due_{kNever};
  std::atomic<uint64_t> counter_{0};
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_GUARD_GUARD_SAMPLER_H_
