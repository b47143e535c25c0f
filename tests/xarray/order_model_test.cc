// SPDX-License-Identifier: Apache-2.0
//
// Entries of all orders answer as a plain map of ranges does, still, with nodes moving between any two operations, and
// while passes run all the time.
#include "tests/support/order_model.h"

#include <memory>
#include <string>
#include <tuple>

#include "gtest/gtest.h"

namespace mxa::tests {
namespace {

class OrderModelTest : public testing::TestWithParam<std::tuple<IdShape, Motion::Kind>> {
 protected:
  std::unique_ptr<xarray::NodeCache> nodes_ = xarray::NodeCache::Create().value();
};

TEST_P(OrderModelTest, AgreesAfterEachOperationOfShortRuns) {
  const auto [shape, motion] = GetParam();
  for (uint64_t run = 0; run < 30; ++run) {
    OrderModel model(TestSeed(1000 + run), shape, motion, *nodes_);
    ASSERT_EQ(model.Run(/*count=*/40, /*check_every=*/1), absl::OkStatus());
  }
  EXPECT_EQ(nodes_->slabs().CheckInvariants(), absl::OkStatus());
}

TEST_P(OrderModelTest, AgreesInLongRuns) {
  const auto [shape, motion] = GetParam();
  {
    OrderModel model(TestSeed(77), shape, motion, *nodes_);
    ASSERT_EQ(model.Run(/*count=*/2000, /*check_every=*/100), absl::OkStatus());
  }
  EXPECT_EQ(nodes_->slabs().CheckInvariants(), absl::OkStatus());
}

std::string NameOf(const testing::TestParamInfo<std::tuple<IdShape, Motion::Kind>>& info) {
  static constexpr const char* kShapes[] = {"Dense", "Clustered", "Sparse", "Extreme"};
  static constexpr const char* kMotions[] = {"Still", "Passes", "AllBetween"};
  return std::string(kShapes[static_cast<size_t>(std::get<0>(info.param))]) +
         kMotions[static_cast<size_t>(std::get<1>(info.param))];
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, OrderModelTest,
    testing::Combine(testing::Values(IdShape::kDense, IdShape::kClustered, IdShape::kSparse, IdShape::kExtreme),
                     testing::Values(Motion::Kind::kStill, Motion::Kind::kPasses, Motion::Kind::kAllBetween)),
    NameOf);

}  // namespace
}  // namespace mxa::tests
