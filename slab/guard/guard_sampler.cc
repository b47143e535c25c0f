// SPDX-License-Identifier: Apache-2.0
#include "slab/guard/guard_sampler.h"

#include <time.h>

#include <random>

#include "base/check.h"

namespace mxa::slab {
namespace {

uint64_t CoarseNow() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<uint64_t>(absl::ToInt64Nanoseconds(absl::DurationFromTimespec(now)));
}

uint64_t CheckedNanoseconds(absl::Duration interval) {
  MXA_CHECK(interval >= absl::ZeroDuration() && interval < absl::Hours(24 * 36500),
            "the interval of a sampler is negative or endless");
  return static_cast<uint64_t>(absl::ToInt64Nanoseconds(interval));
}

}  // namespace

GuardSampler::GuardSampler(const GuardSamplerOptions& options)
    : every_(options.every),
      interval_ns_(CheckedNanoseconds(options.interval)),
      now_(options.now != nullptr ? options.now : &CoarseNow) {
  if (every_ != 0) {
    due_.store(0, std::memory_order_relaxed);
  } else if (interval_ns_ != 0) {
    const uint64_t now = now_();
    due_.store(NextAfter(now, now), std::memory_order_relaxed);
  }
}

bool GuardSampler::Claim(uint64_t due, uint64_t now) {
  return due_.compare_exchange_strong(due, NextAfter(now, due), std::memory_order_relaxed);
}

uint64_t GuardSampler::NextAfter(uint64_t now, uint64_t due) const {
  // The due time from before is the generator's state: the jitter lies in its low digits, which a coarse clock's `now`
  // does not have.
  std::minstd_rand random(static_cast<uint32_t>(due ^ due >> 32));
  random.discard(2);
  const double share =
      0.75 + 0.5 * static_cast<double>(random() - random.min()) / static_cast<double>(random.max() - random.min());
  return now + static_cast<uint64_t>(share * static_cast<double>(interval_ns_));
}

}  // namespace mxa::slab
