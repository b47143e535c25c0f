// SPDX-License-Identifier: Apache-2.0
//
// The list of guard pools finds the pool of an address while there is one.
#include "slab/guard/guard_registry.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "tests/slab/guard/guarded_range.h"

namespace mxa::slab {
namespace {

TEST(GuardRegistryTest, FindsThePoolOfAnAddress) {
  const tests::TestGuardPool first(2);
  const tests::TestGuardPool second(2);
  for (const tests::TestGuardPool* guarded : {&first, &second}) {
    const char* start = static_cast<const char*>(guarded->range.start());
    EXPECT_EQ(FindGuardPool(start), &guarded->pool);
    EXPECT_EQ(FindGuardPool(start + guarded->range.bytes() - 1), &guarded->pool);
    EXPECT_NE(FindGuardPool(start + guarded->range.bytes()), &guarded->pool);
    EXPECT_NE(FindGuardPool(start - 1), &guarded->pool);
  }
  EXPECT_EQ(FindGuardPool(nullptr), nullptr);
  EXPECT_EQ(FindGuardPool(&first), nullptr);
}

TEST(GuardRegistryTest, ForgetsAPoolThatIsGone) {
  const tests::GuardedRange range(1);
  {
    const GuardPool pool(range.start(), range.bytes());
    EXPECT_EQ(FindGuardPool(range.start()), &pool);
  }
  EXPECT_EQ(FindGuardPool(range.start()), nullptr);
}

TEST(GuardRegistryTest, APoolTooManyWorksUnlisted) {
  std::vector<std::unique_ptr<tests::TestGuardPool>> pools;
  for (size_t i = 0; i < kMaxRegisteredGuardPools + 1; ++i) pools.push_back(std::make_unique<tests::TestGuardPool>(1));
  EXPECT_EQ(FindGuardPool(pools.front()->range.start()), &pools.front()->pool);
  EXPECT_EQ(FindGuardPool(pools.back()->range.start()), nullptr);
  const int owner = 0;
  void* object = pools.back()->pool.Allocate(8, 8, "test", &owner);
  ASSERT_NE(object, nullptr);
  pools.back()->pool.Free(object, &owner);
  // Its place is free again for the next.
  pools.front().reset();
  pools.push_back(std::make_unique<tests::TestGuardPool>(1));
  EXPECT_EQ(FindGuardPool(pools.back()->range.start()), &pools.back()->pool);
}

}  // namespace
}  // namespace mxa::slab
