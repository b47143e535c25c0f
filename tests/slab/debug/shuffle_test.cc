// SPDX-License-Identifier: Apache-2.0
//
// A shuffle changes the order, loses nothing, and can be repeated from its seed.
#include "slab/debug/shuffle.h"

#include <algorithm>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace mxa::slab {
namespace {

std::vector<void*> InOrder(char* memory, size_t count) {
  std::vector<void*> objects;
  for (size_t i = 0; i < count; ++i) objects.push_back(memory + i);
  return objects;
}

TEST(ShuffleTest, ChangesTheOrderAndLosesNothing) {
  char memory[64];
  const std::vector<void*> in_order = InOrder(memory, 64);
  std::set<std::vector<void*>> orders;
  uint64_t seed = 0;
  for (int i = 0; i < 10; ++i) {
    std::vector<void*> objects = in_order;
    Shuffle(absl::MakeSpan(objects), &seed);
    EXPECT_NE(objects, in_order);
    orders.insert(objects);
    std::sort(objects.begin(), objects.end());
    EXPECT_EQ(objects, in_order);
  }
  EXPECT_EQ(orders.size(), 10u) << "each time another";
}

TEST(ShuffleTest, RepeatsItselfFromTheSameSeed) {
  char memory[64];
  for (const uint64_t start : {uint64_t{0}, uint64_t{1} << 40}) {
    uint64_t one = start;
    uint64_t two = start;
    for (int i = 0; i < 3; ++i) {
      std::vector<void*> first = InOrder(memory, 64);
      std::vector<void*> second = first;
      Shuffle(absl::MakeSpan(first), &one);
      Shuffle(absl::MakeSpan(second), &two);
      EXPECT_EQ(first, second);
    }
  }
}

TEST(ShuffleTest, TakesNothingAndOne) {
  char memory[1];
  uint64_t seed = 7;
  Shuffle({}, &seed);
  std::vector<void*> one = InOrder(memory, 1);
  Shuffle(absl::MakeSpan(one), &seed);
  EXPECT_EQ(one[0], memory);
}

}  // namespace
}  // namespace mxa::slab
