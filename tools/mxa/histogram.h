// SPDX-License-Identifier: Apache-2.0
//
// A log-linear histogram of nanoseconds: each power of two is cut in 32 equal steps, so a quantile is off by at most 3
// %.
//
// Threads: Add from one thread; Merge and Quantile when that thread is done.
// Why not keep the samples: a run takes millions of them, and sorting would cost more than it tells.
#ifndef MXA_TOOLS_MXA_HISTOGRAM_H_
#define MXA_TOOLS_MXA_HISTOGRAM_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace mxa::tool {

class Histogram {
 public:
  void Add(uint64_t value) {
    ++buckets_[BucketOf(value)];
    ++count_;
  }
  void Merge(const Histogram& other);

  uint64_t count() const { return count_; }

  // The smallest value such that at least `fraction` of the samples are no larger, rounded up to its step; 0 when
  // empty.
  uint64_t Quantile(double fraction) const;

  // The step a value falls into, and the largest value of a step.
  static size_t BucketOf(uint64_t value);
  static uint64_t LargestIn(size_t bucket);

 private:
  static constexpr unsigned kStepBits = 5;
  static constexpr unsigned kSteps = 1u << kStepBits;
  static constexpr unsigned kLargestBits = 40;  // 18 minutes; what is longer counts as that
  static constexpr size_t kBuckets = (kLargestBits - kStepBits + 1) * kSteps;

  std::array<uint64_t, kBuckets> buckets_{};
  uint64_t count_ = 0;
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_HISTOGRAM_H_
