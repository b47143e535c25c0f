// SPDX-License-Identifier: Apache-2.0
//
// Property: every living cache is met, in the order of creation; while one is looked at, none goes.
#include "slab/cache_registry.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "reclaim/context.h"
#include "slab/cache.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

std::unique_ptr<Cache> Make(const std::string& name) {
  return Cache::Create({.name = name, .object_size = 64}).value();
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  ForEachCache([&](Cache& cache) { names.push_back(cache.name()); });
  return names;
}

TEST(CacheRegistryTest, MeetsLivingCachesInTheOrderOfCreation) {
  const std::vector<std::string> before = Names();
  auto first = Make("first");
  auto second = Make("second");
  auto third = Make("third");
  std::vector<std::string> expected = before;
  expected.insert(expected.end(), {"first", "second", "third"});
  EXPECT_EQ(Names(), expected);
  second.reset();
  auto fourth = Make("fourth");
  expected = before;
  expected.insert(expected.end(), {"first", "third", "fourth"});
  EXPECT_EQ(Names(), expected);
}

TEST(CacheRegistryTest, DoesNotListACacheThatWasRefused) {
  const std::vector<std::string> before = Names();
  EXPECT_FALSE(Cache::Create({.name = "impossible", .object_size = 1}).ok());
  EXPECT_EQ(Names(), before);
}

TEST(CacheRegistryTest, AVisitorMayUseTheCache) {
  auto cache = Make("used");
  ForEachCache([&](Cache& visited) {
    if (&visited != cache.get()) return;
    void* object = visited.Allocate();
    EXPECT_EQ(visited.Stats().live, 1u);
    EXPECT_EQ(visited.Slabs().size(), 1u);
    visited.Free(object);
  });
  EXPECT_TRUE(cache->CheckInvariants().ok());
}

// A cache whose destruction has begun is still whole for the visitor that met it.
TEST(CacheRegistryTest, DestructionWaitsForAVisitor) {
  auto cache = Make("doomed");
  absl::Notification visiting;
  absl::Notification destroyed;
  tests::ThreadGroup threads;
  threads.Start("destroyer", [&] {
    visiting.WaitForNotification();
    cache.reset();
    destroyed.Notify();
  });
  ForEachCache([&](Cache& visited) {
    if (visited.name() != "doomed") return;
    visiting.Notify();
    // Had it not to wait, it would be done within this time; as it has, the time passes.
    EXPECT_FALSE(destroyed.WaitForNotificationWithTimeout(absl::Milliseconds(100)));
    EXPECT_EQ(visited.Stats().live, 0u);
    EXPECT_EQ(visited.name(), "doomed");
  });
  destroyed.WaitForNotification();
  threads.JoinAll();
  const std::vector<std::string> names = Names();
  EXPECT_EQ(std::count(names.begin(), names.end(), "doomed"), 0);
}

class CacheRegistryDeathTest : public testing::Test {
 protected:
  CacheRegistryDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  std::unique_ptr<Cache> cache_ = Make("here");
};

TEST_F(CacheRegistryDeathTest, CreatingInside) {
  EXPECT_DEATH(ForEachCache([](Cache&) { Make("inner"); }), "a cache created inside ForEachCache");
}

TEST_F(CacheRegistryDeathTest, DestroyingInside) {
  EXPECT_DEATH(ForEachCache([&](Cache&) { cache_.reset(); }), "a cache destroyed inside ForEachCache");
}

TEST_F(CacheRegistryDeathTest, Nesting) {
  EXPECT_DEATH(ForEachCache([](Cache&) { ForEachCache([](Cache&) {}); }), "ForEachCache inside ForEachCache");
}

TEST_F(CacheRegistryDeathTest, ForkingInside) {
  EXPECT_DEATH(ForEachCache([](Cache&) { fork(); }), "a fork inside ForEachCache");
}

TEST_F(CacheRegistryDeathTest, VisitingInAReclaimCallback) {
  reclaim::NoReclaimScope scope;
  EXPECT_DEATH(ForEachCache([](Cache&) {}), "inside a reclaim callback");
}

}  // namespace
}  // namespace mxa::slab
