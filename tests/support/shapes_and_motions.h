// SPDX-License-Identifier: Apache-2.0
//
// The parameters of the model tests of indices and IDs: where those come from, and how nodes move meanwhile.
#ifndef MXA_TESTS_SUPPORT_SHAPES_AND_MOTIONS_H_
#define MXA_TESTS_SUPPORT_SHAPES_AND_MOTIONS_H_

#include <cstddef>
#include <string>
#include <tuple>

#include "gtest/gtest.h"
#include "tests/support/id_shapes.h"
#include "tests/support/motion.h"

namespace mxa::tests {

using ShapeAndMotion = std::tuple<IdShape, Motion::Kind>;

inline std::string NameOf(IdShape shape) {
  static constexpr const char* kNames[] = {"Dense", "Clustered", "Sparse", "Extreme"};
  return kNames[static_cast<size_t>(shape)];
}

inline std::string NameOf(Motion::Kind motion) {
  static constexpr const char* kNames[] = {"Still", "Passes", "AllBetween"};
  return kNames[static_cast<size_t>(motion)];
}

inline std::string NameOfShapeAndMotion(const testing::TestParamInfo<ShapeAndMotion>& info) {
  return NameOf(std::get<0>(info.param)) + NameOf(std::get<1>(info.param));
}

// Each with each.
inline auto AllShapesAndMotions() {
  return testing::Combine(testing::Values(IdShape::kDense, IdShape::kClustered, IdShape::kSparse, IdShape::kExtreme),
                          testing::Values(Motion::Kind::kStill, Motion::Kind::kPasses, Motion::Kind::kAllBetween));
}

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_SHAPES_AND_MOTIONS_H_
