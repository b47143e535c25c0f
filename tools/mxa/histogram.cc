// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace mxa::tool {

size_t Histogram::BucketOf(uint64_t value) {
  value = std::min(value, (uint64_t{1} << kLargestBits) - 1);
  if (value < kSteps) return static_cast<size_t>(value);
  // The leading one says which power of two, the bits after it which step; the first two powers share the unit steps.
  const unsigned power = static_cast<unsigned>(std::bit_width(value)) - 1 - kStepBits;
  return static_cast<size_t>((power + 1) * kSteps + ((value >> power) & (kSteps - 1)));
}

uint64_t Histogram::LargestIn(size_t bucket) {
  if (bucket < kSteps) return bucket;
  const unsigned power = static_cast<unsigned>(bucket / kSteps) - 1;
  const uint64_t first = (kSteps + bucket % kSteps) << power;
  return first + (uint64_t{1} << power) - 1;
}

void Histogram::Merge(const Histogram& other) {
  for (size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
}

uint64_t Histogram::Quantile(double fraction) const {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<uint64_t>(std::ceil(fraction * static_cast<double>(count_)));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= std::max<uint64_t>(wanted, 1)) return LargestIn(i);
  }
  return LargestIn(kBuckets - 1);
}

}  // namespace mxa::tool
