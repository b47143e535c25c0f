// SPDX-License-Identifier: Apache-2.0
//
// Many objects at once: all or nothing, each its own, each counted once.
#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/cache.h"

namespace mxa::slab {
namespace {

class BulkTest : public testing::Test {
 protected:
  std::unique_ptr<Cache> Make(size_t object_size, size_t regions = 16) {
    arena_ = Arena::Create({.reserve_bytes = regions * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
    return Cache::Create({.name = "bulk", .object_size = object_size, .arena = arena_.get()}).value();
  }
  std::unique_ptr<Arena> arena_;
};

TEST_F(BulkTest, FillsEveryPlaceWithAnObjectOfItsOwn) {
  const std::unique_ptr<Cache> cache = Make(64);
  void* const one = cache->Allocate();  // leaves the rest of a sheaf to begin with
  std::vector<void*> objects(5000);
  ASSERT_TRUE(cache->AllocateBulk(absl::MakeSpan(objects)));
  std::set<void*> distinct(objects.begin(), objects.end());
  distinct.insert(one);
  EXPECT_EQ(distinct.size(), 5001u);
  EXPECT_EQ(distinct.count(nullptr), 0u);
  EXPECT_EQ(cache->Stats().live, 5001u);
  cache->FreeBulk(objects);
  EXPECT_EQ(cache->Stats().live, 1u);
  cache->Free(one);
  EXPECT_TRUE(cache->CheckInvariants().ok()) << cache->CheckInvariants();
}

TEST_F(BulkTest, TakesNothingWhenItCannotTakeAll) {
  const std::unique_ptr<Cache> cache = Make(4096, 1);  // one region: 512 objects at most
  std::vector<void*> most(500);
  ASSERT_TRUE(cache->AllocateBulk(absl::MakeSpan(most)));
  std::vector<void*> more(100, &more);
  EXPECT_FALSE(cache->AllocateBulk(absl::MakeSpan(more)));
  EXPECT_EQ(more, std::vector<void*>(100, nullptr));
  EXPECT_EQ(cache->Stats().live, 500u);
  more.resize(12);
  EXPECT_TRUE(cache->AllocateBulk(absl::MakeSpan(more))) << "what the failed call took is back";
  cache->FreeBulk(more);
  cache->FreeBulk(most);
  EXPECT_TRUE(cache->CheckInvariants().ok()) << cache->CheckInvariants();
}

TEST_F(BulkTest, UsesWhatTheThreadHasFreeBeforeItTakesSlabs) {
  const std::unique_ptr<Cache> cache = Make(4096, 1);
  std::vector<void*> all(512);
  ASSERT_TRUE(cache->AllocateBulk(absl::MakeSpan(all)));
  for (int i = 0; i < 5; ++i) cache->Free(all[i]);
  EXPECT_EQ(cache->Stats().cached, 5u);
  std::vector<void*> again(5);
  EXPECT_TRUE(cache->AllocateBulk(absl::MakeSpan(again)));
  std::copy(again.begin(), again.end(), all.begin());
  cache->FreeBulk(all);
}

TEST_F(BulkTest, EmptySlabsDoNotPileUp) {
  arena_ = Arena::Create({.reserve_bytes = 16 * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  const auto cache =
      Cache::Create(
          {.name = "bulk", .object_size = 4096, .arena = arena_.get(), .empty_slab_delay = absl::ZeroDuration()})
          .value();
  std::vector<void*> objects(2000);
  ASSERT_TRUE(cache->AllocateBulk(absl::MakeSpan(objects)));
  ASSERT_EQ(cache->Stats().slabs, 125u);
  cache->FreeBulk(objects);
  EXPECT_LT(cache->Stats().slabs, 20u);
}

TEST_F(BulkTest, OfNothingSucceeds) {
  const std::unique_ptr<Cache> cache = Make(64);
  EXPECT_TRUE(cache->AllocateBulk({}));
  cache->FreeBulk({});
  EXPECT_EQ(cache->Stats().slabs, 0u);
}

TEST_F(BulkTest, ZeroedObjectsAreZeroWhateverTheirLastUserLeft) {
  const std::unique_ptr<Cache> cache = Make(100);
  void* object = cache->Allocate();
  std::memset(object, 0x5a, 100);
  cache->Free(object);
  auto* zeroed = static_cast<unsigned char*>(cache->AllocateZeroed());
  ASSERT_EQ(zeroed, object) << "a sheaf gives out last what came in first";
  for (int i = 0; i < 100; ++i) ASSERT_EQ(zeroed[i], 0) << i;
  cache->Free(zeroed);
}

TEST(BulkDeathTest, AConstructorAndZeroingExcludeEachOther) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a cache has threads
  const auto cache = Cache::Create({.name = "both", .object_size = 64, .constructor = [](void*) {}}).value();
  EXPECT_DEATH(static_cast<void>(cache->AllocateZeroed()), "zeroing an object that has a constructor");
}

TEST_F(BulkTest, LargestObjectsFillRegions) {
  const std::unique_ptr<Cache> cache = Make(size_t{256} << 10, 4);
  std::vector<void*> objects(32);
  ASSERT_TRUE(cache->AllocateBulk(absl::MakeSpan(objects)));
  for (void* object : objects) std::memset(object, 1, size_t{256} << 10);
  EXPECT_EQ(cache->Allocate(), nullptr);
  cache->FreeBulk(objects);
  EXPECT_TRUE(cache->CheckInvariants().ok()) << cache->CheckInvariants();
}

}  // namespace
}  // namespace mxa::slab
