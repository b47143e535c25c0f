// SPDX-License-Identifier: Apache-2.0
//
// A prefilled sheaf: so many allocations that cannot fail, and nothing lost when it goes.
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/cache.h"

namespace mxa::slab {
namespace {

constexpr size_t kSheaf = 8;

class PrefillTest : public testing::Test {
 protected:
  void SetUp() override {
    arena_ = Arena::Create({.reserve_bytes = kRegionSize, .min_reserve_bytes = kRegionSize}).value();
    cache_ = Cache::Create({.name = "prefill", .object_size = 4096, .arena = arena_.get(), .sheaf_capacity = kSheaf})
                 .value();
  }
  void TearDown() override {
    EXPECT_TRUE(cache_->CheckInvariants().ok()) << cache_->CheckInvariants();
    EXPECT_EQ(cache_->Stats().live, 0u);
  }
  uint64_t Counted(Count count) { return cache_->Stats().counts[count]; }

  std::unique_ptr<Arena> arena_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(PrefillTest, GivesWhatItPromisedWhenNothingElseCanBeHad) {
  absl::StatusOr<PrefilledSheaf> sheaf = cache_->Prefill(20);
  ASSERT_TRUE(sheaf.ok());
  EXPECT_GE(sheaf->size(), 20u);
  std::vector<void*> others;
  while (void* object = cache_->Allocate()) others.push_back(object);
  std::set<void*> mine;
  while (sheaf->size() > 0) mine.insert(sheaf->Allocate());
  EXPECT_GE(mine.size(), 20u);
  EXPECT_EQ(mine.size() + others.size(), 512u) << "every object of the region is in one of the two";
  for (void* object : others) EXPECT_EQ(mine.count(object), 0u);
  cache_->FreeBulk(others);
  for (void* object : mine) cache_->Free(object);
}

TEST_F(PrefillTest, ReturnsWhatIsLeft) {
  {
    absl::StatusOr<PrefilledSheaf> sheaf = cache_->Prefill(100);
    ASSERT_TRUE(sheaf.ok());
    EXPECT_EQ(Counted(Count::kPrefillOversize), 1u);
    EXPECT_EQ(cache_->Stats().live, 100u);
    cache_->Free(sheaf->Allocate());
  }
  EXPECT_EQ(cache_->Stats().live, 0u);
  EXPECT_EQ(Counted(Count::kReturnSlow), 1u);
}

TEST_F(PrefillTest, TakesAFullSheafFromTheBarnAndPutsItBack) {
  std::vector<void*> objects(6 * kSheaf);
  ASSERT_TRUE(cache_->AllocateBulk(absl::MakeSpan(objects)));
  for (void* object : objects) cache_->Free(object);  // one by one: full sheaves go to the barn
  ASSERT_GT(Counted(Count::kBarnPut), 0u);
  {
    absl::StatusOr<PrefilledSheaf> sheaf = cache_->Prefill(3);
    ASSERT_TRUE(sheaf.ok());
    EXPECT_EQ(sheaf->size(), kSheaf);
    EXPECT_EQ(Counted(Count::kPrefillFast), 1u);
  }
  EXPECT_EQ(Counted(Count::kReturnFast), 1u);
}

TEST_F(PrefillTest, FailsCleanlyWhenThereIsNotEnough) {
  absl::StatusOr<PrefilledSheaf> sheaf = cache_->Prefill(513);
  ASSERT_FALSE(sheaf.ok());
  EXPECT_EQ(sheaf.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(cache_->Stats().live, 0u);
}

TEST_F(PrefillTest, RefillsToMoreThanItHeld) {
  absl::StatusOr<PrefilledSheaf> sheaf = cache_->Prefill(2);
  ASSERT_TRUE(sheaf.ok());
  void* const first = sheaf->Allocate();
  ASSERT_TRUE(sheaf->Refill(kSheaf));
  EXPECT_EQ(sheaf->size(), kSheaf);
  ASSERT_TRUE(sheaf->Refill(3 * kSheaf));
  EXPECT_EQ(sheaf->size(), 3 * kSheaf);
  std::set<void*> distinct = {first};
  std::vector<void*> objects = {first};
  while (sheaf->size() > 0) objects.push_back(sheaf->Allocate());
  distinct.insert(objects.begin(), objects.end());
  EXPECT_EQ(distinct.size(), objects.size());
  cache_->FreeBulk(objects);
}

TEST_F(PrefillTest, TheSheafThatWasOutgrownIsEmptyForItsNextUser) {
  std::vector<void*> objects(10 * kSheaf);
  ASSERT_TRUE(cache_->AllocateBulk(absl::MakeSpan(objects)));
  absl::StatusOr<PrefilledSheaf> sheaf = cache_->Prefill(kSheaf / 2);
  ASSERT_TRUE(sheaf.ok());
  ASSERT_TRUE(sheaf->Refill(3 * kSheaf));
  for (void* object : objects) cache_->Free(object);  // with full sheaves for the barn, in exchange for empty ones
  EXPECT_EQ(cache_->Stats().live, 3 * kSheaf);
  std::set<void*> distinct;
  for (void*& object : objects) distinct.insert(object = cache_->Allocate());
  while (sheaf->size() > 0) objects.push_back(sheaf->Allocate());
  distinct.insert(objects.begin(), objects.end());
  EXPECT_EQ(distinct.size(), 13 * kSheaf) << "no object has two users";
  for (void* object : distinct) cache_->Free(object);
}

TEST_F(PrefillTest, IsAsItWasAfterARefillThatFails) {
  absl::StatusOr<PrefilledSheaf> sheaf = cache_->Prefill(10);
  ASSERT_TRUE(sheaf.ok());
  const CacheStats before = cache_->Stats();
  EXPECT_FALSE(sheaf->Refill(513));
  const CacheStats after = cache_->Stats();
  EXPECT_EQ(after.counts[Count::kSheafAlloc] - before.counts[Count::kSheafAlloc],
            after.counts[Count::kSheafFree] - before.counts[Count::kSheafFree])
      << "the larger sheaf is gone again";
  EXPECT_EQ(sheaf->size(), 10u);
  EXPECT_EQ(cache_->Stats().live, 10u);
}

TEST_F(PrefillTest, MovesWithoutLosingAnything) {
  absl::StatusOr<PrefilledSheaf> created = cache_->Prefill(4);
  ASSERT_TRUE(created.ok());
  PrefilledSheaf sheaf = *std::move(created);
  EXPECT_EQ(sheaf.size(), 4u);
  PrefilledSheaf other = cache_->Prefill(12).value();
  sheaf = std::move(other);
  EXPECT_EQ(sheaf.size(), 12u);
  sheaf.Return();
  EXPECT_EQ(sheaf.size(), 0u);
}

using PrefillDeathTest = PrefillTest;

TEST_F(PrefillDeathTest, AnEmptySheafGivesNothing) {
  absl::StatusOr<PrefilledSheaf> sheaf = cache_->Prefill(1);
  ASSERT_TRUE(sheaf.ok());
  cache_->Free(sheaf->Allocate());
  EXPECT_DEATH(static_cast<void>(sheaf->Allocate()), "allocation from an empty prefilled sheaf");
}

}  // namespace
}  // namespace mxa::slab
