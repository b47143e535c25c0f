// SPDX-License-Identifier: Apache-2.0
//
// Where the indices, IDs and limits of a random run on IDs come from.
#ifndef MXA_TESTS_SUPPORT_ID_SHAPES_H_
#define MXA_TESTS_SUPPORT_ID_SHAPES_H_

#include <cstdint>
#include <iterator>
#include <utility>

#include "tests/support/random.h"
#include "xarray/id_limit.h"

namespace mxa::tests {

enum class IdShape { kDense, kClustered, kSparse, kExtreme };

inline uint64_t PickId(IdShape shape, Random& random) {
  static constexpr uint64_t kExtremes[] = {0,
                                           1,
                                           62,
                                           63,
                                           64,
                                           1023,
                                           1024,
                                           4095,
                                           4096,
                                           (uint64_t{1} << 32) - 1,
                                           uint64_t{1} << 32,
                                           (uint64_t{1} << 60) - 1,
                                           uint64_t{15} << 60,
                                           ~uint64_t{0} - 64,
                                           ~uint64_t{0} - 63,
                                           ~uint64_t{0} - 2,
                                           ~uint64_t{0} - 1,
                                           ~uint64_t{0}};
  switch (shape) {
    case IdShape::kDense:
      return random.Below(300);
    case IdShape::kClustered:
      return (random.Below(5) << (random.Below(4) * 9)) + random.Below(70);
    case IdShape::kSparse:
      return random.Next() >> random.Below(64);
    case IdShape::kExtreme:
      return kExtremes[random.Below(std::size(kExtremes))];
  }
  return 0;
}

// One in 32 holds no ID.
inline xarray::IdLimit PickLimit(IdShape shape, Random& random) {
  if (random.OneIn(4)) return {};
  xarray::IdLimit limit = {PickId(shape, random), PickId(shape, random)};
  if (random.OneIn(3)) limit.max = ~uint64_t{0};
  if (limit.min > limit.max && !random.OneIn(16)) std::swap(limit.min, limit.max);
  return limit;
}

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_ID_SHAPES_H_
