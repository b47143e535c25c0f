// SPDX-License-Identifier: Apache-2.0
//
// An array answers as a std::map does, whatever the operations, and with nodes moving between any two of them.
#include "tests/support/array_model.h"

#include <memory>
#include <string>
#include <tuple>

#include "gtest/gtest.h"
#include "tests/support/random.h"
#include "xarray/node_cache.h"

namespace mxa::tests {
namespace {

class ArrayModelTest : public testing::TestWithParam<std::tuple<IndexShape, bool>> {
 protected:
  std::unique_ptr<xarray::NodeCache> nodes_ = xarray::NodeCache::Create().value();
};

TEST_P(ArrayModelTest, AgreesAfterEachOperationOfShortRuns) {
  const auto [shape, moves] = GetParam();
  for (uint64_t run = 0; run < 10; ++run) {
    ArrayModel model(TestSeed(1000 + run), shape, moves, *nodes_);
    ASSERT_EQ(model.Run(/*count=*/80, /*check_every=*/1), absl::OkStatus());
  }
  EXPECT_EQ(nodes_->slabs().CheckInvariants(), absl::OkStatus());
}

TEST_P(ArrayModelTest, AgreesInLongRuns) {
  const auto [shape, moves] = GetParam();
  ArrayModel model(TestSeed(77), shape, moves, *nodes_);
  ASSERT_EQ(model.Run(/*count=*/moves ? 3000 : 10000, /*check_every=*/250), absl::OkStatus());
  EXPECT_EQ(nodes_->slabs().CheckInvariants(), absl::OkStatus());
}

std::string NameOf(const testing::TestParamInfo<std::tuple<IndexShape, bool>>& info) {
  static constexpr const char* kShapes[] = {"Dense", "Clustered", "Sparse", "Extreme"};
  return std::string(kShapes[static_cast<size_t>(std::get<0>(info.param))]) +
         (std::get<1>(info.param) ? "Moving" : "Still");
}

INSTANTIATE_TEST_SUITE_P(Shapes, ArrayModelTest,
                         testing::Combine(testing::Values(IndexShape::kDense, IndexShape::kClustered,
                                                          IndexShape::kSparse, IndexShape::kExtreme),
                                          testing::Bool()),
                         NameOf);

}  // namespace
}  // namespace mxa::tests
