// SPDX-License-Identifier: Apache-2.0
//
// Property: a quantile is no smaller than the true one and at most one step (3.2 %) larger.
#include "tools/mxa/histogram.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "tools/mxa/random.h"

namespace mxa::tool {
namespace {

TEST(HistogramTest, IsZeroWhenEmpty) { EXPECT_EQ(Histogram().Quantile(0.5), 0u); }

TEST(HistogramTest, KeepsSmallValuesExactly) {
  for (uint64_t value = 0; value < 64; ++value) {
    Histogram histogram;
    histogram.Add(value);
    EXPECT_EQ(histogram.Quantile(1), value);
  }
}

TEST(HistogramTest, StepsFollowEachOtherWithoutGap) {
  for (uint64_t value = 1; value < 1'000'000; value += value / 100 + 1) {
    const size_t bucket = Histogram::BucketOf(value);
    EXPECT_GE(Histogram::LargestIn(bucket), value);
    EXPECT_LT(Histogram::LargestIn(bucket - 1), value);
  }
}

TEST(HistogramTest, QuantilesAreWithinOneStep) {
  Random random(7);
  Histogram histogram;
  std::vector<uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(random.Next() >> (24 + random.Below(40)));
    histogram.Add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double fraction : {0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<size_t>(std::ceil(fraction * static_cast<double>(values.size())));
    const uint64_t exact = values[rank - 1];
    EXPECT_GE(histogram.Quantile(fraction), exact) << fraction;
    EXPECT_LE(histogram.Quantile(fraction), exact + exact / 31) << fraction;
  }
}

TEST(HistogramTest, TakesTheLargestValueThereIs) {
  Histogram histogram;
  histogram.Add(~uint64_t{0});
  EXPECT_EQ(histogram.Quantile(0.5), (uint64_t{1} << 40) - 1);
}

TEST(HistogramTest, MergingAddsUp) {
  Histogram low, high;
  for (int i = 0; i < 90; ++i) low.Add(10);
  for (int i = 0; i < 10; ++i) high.Add(60);
  low.Merge(high);
  EXPECT_EQ(low.count(), 100u);
  EXPECT_EQ(low.Quantile(0.9), 10u);
  EXPECT_EQ(low.Quantile(0.91), 60u);
}

}  // namespace
}  // namespace mxa::tool
