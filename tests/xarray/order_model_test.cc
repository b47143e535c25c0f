// SPDX-License-Identifier: Apache-2.0
//
// Entries of all orders answer as a plain map of ranges does, still, with nodes moving between any two operations, and
// while passes run all the time.
#include "tests/support/order_model.h"

#include <memory>
#include <string>
#include <tuple>

#include "gtest/gtest.h"
#include "tests/support/shapes_and_motions.h"

namespace mxa::tests {
namespace {

class OrderModelTest : public testing::TestWithParam<ShapeAndMotion> {
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

INSTANTIATE_TEST_SUITE_P(Shapes, OrderModelTest, AllShapesAndMotions(), NameOfShapeAndMotion);

}  // namespace
}  // namespace mxa::tests
