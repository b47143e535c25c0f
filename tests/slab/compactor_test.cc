// SPDX-License-Identifier: Apache-2.0
//
// A pass: what it moves, what it leaves, what it gives back.
#include "slab/compactor.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "slab/cache.h"
#include "tests/support/handle_table.h"

namespace mxa::slab {
namespace {

using test::HandleTable;

constexpr size_t kItems = 20'000;

void Fill(HandleTable& table, size_t items) {
  for (size_t i = 0; i < items; ++i) ASSERT_TRUE(table.Create(i));
}

void KeepEvery(HandleTable& table, size_t items, size_t nth) {
  for (size_t i = 0; i < items; ++i) {
    if (i % nth != 0) table.RemoveRcu(i);
  }
  table.cache().FreeRcuBarrier();
}

void ExpectSound(HandleTable& table) {
  EXPECT_TRUE(table.cache().CheckInvariants().ok()) << table.cache().CheckInvariants();
  EXPECT_EQ(table.violations(), 0u);
  for (size_t i = 0; i < kItems; ++i) ASSERT_TRUE(table.Read(i)) << i;
}

TEST(CompactorTest, PacksSurvivorsIntoAsFewSlabsAsCanHoldThem) {
  HandleTable table({.slots = kItems});
  Fill(table, kItems);
  KeepEvery(table, kItems, 10);
  const CacheStats before = table.cache().Stats();
  ASSERT_GT(before.slabs, 5 * before.slabs_needed()) << "the test needs sparse slabs";
  const CompactStats pass = table.cache().Compact().value();
  const CacheStats after = table.cache().Stats();
  EXPECT_EQ(after.live, kItems / 10);
  EXPECT_EQ(after.slabs, after.slabs_needed());
  EXPECT_GT(pass.objects_moved, 0u);
  EXPECT_LE(pass.objects_moved, after.live);
  EXPECT_EQ(pass.slabs_released, before.slabs - after.slabs);
  EXPECT_LE(table.arena().Residency().object_bytes, after.slabs * kUnitSize);
  ExpectSound(table);
}

TEST(CompactorTest, OneGracePeriodServesAWholeBatch) {
  HandleTable table({.slots = kItems});
  Fill(table, kItems);
  KeepEvery(table, kItems, 4);
  const CompactStats pass = table.cache().Compact({.batch_objects = 1000}).value();
  EXPECT_EQ(pass.grace_periods, pass.batches);
  EXPECT_GE(pass.objects_moved, 1000 * (pass.batches - 1));
}

TEST(CompactorTest, MovesEveryObjectWhenAskedTo) {
  HandleTable table({.slots = kItems});
  Fill(table, kItems);
  const CompactStats pass = table.cache().Compact({.mode = CompactOptions::Mode::kMoveEverything}).value();
  EXPECT_EQ(pass.objects_moved, kItems);
  ExpectSound(table);
}

TEST(CompactorTest, LeavesAsManySlabsAsItNeededToTheNextPass) {
  HandleTable table({.slots = kItems, .empty_slab_delay = absl::InfiniteDuration()});
  Fill(table, kItems);
  // One batch, so that both passes need the same.
  const CompactOptions everything = {.mode = CompactOptions::Mode::kMoveEverything, .batch_objects = kItems};
  const CompactStats first = table.cache().Compact(everything).value();
  const CacheStats between = table.cache().Stats();
  EXPECT_EQ(first.slabs_released, 0u);
  EXPECT_GT(between.empty_slabs, 0u);
  ASSERT_TRUE(table.cache().Compact(everything).ok());
  const CacheStats after = table.cache().Stats();
  EXPECT_EQ(after.slabs_created, between.slabs_created);
  // What goes by itself, or at once.
  EXPECT_EQ(table.cache().Shrink(), after.empty_slabs);
  EXPECT_EQ(table.cache().Stats().slabs, after.slabs_needed());
  ExpectSound(table);
}

TEST(CompactorTest, LeavesNoMoreThanTheCacheKeepsOfEmptySlabs) {
  HandleTable table({.slots = kItems, .empty_slab_delay = absl::InfiniteDuration(), .empty_slab_bytes = 0});
  Fill(table, kItems);
  ASSERT_TRUE(table.cache().Compact({.mode = CompactOptions::Mode::kMoveEverything, .batch_objects = kItems}).ok());
  const CacheStats stats = table.cache().Stats();
  ASSERT_GT(stats.slabs_needed(), 30u);
  EXPECT_LE(stats.empty_slabs, 2 + (2 * stats.slabs_needed()) / 32);
  ExpectSound(table);
}

// Nobody else wakes the housekeeper.
TEST(CompactorTest, WhatItLeavesGoesThoughTheCacheIsIdle) {
  HandleTable table({.slots = kItems, .idle_delay = absl::Milliseconds(1), .empty_slab_delay = absl::Milliseconds(20)});
  Fill(table, kItems);
  while (table.cache().Stats().cached > 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  ASSERT_TRUE(table.cache().Compact({.mode = CompactOptions::Mode::kMoveEverything}).ok());
  for (int i = 0; i < 3000 && table.cache().Stats().empty_slabs > 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(table.cache().Stats().empty_slabs, 0u);
  ExpectSound(table);
}

// Of three regions one is nearly empty but for a full slab.
TEST(CompactorTest, AWholeRegionComesFreeWithItsFullSlab) {
  constexpr size_t kMany = 4 * kUnitsPerRegion * (kUnitSize / sizeof(test::Item));
  HandleTable table({.slots = kMany});
  Arena& arena = table.arena();
  size_t items = 0;
  while (arena.regions_held() <= 3 && table.Create(items)) ++items;
  ASSERT_EQ(arena.regions_held(), 4u);
  const Slab* const full = arena.SlabOf(table.Peek(items / 2));
  const size_t sparse = arena.RegionOf(full);
  for (size_t i = 0; i < items; ++i) {
    const Slab* const slab = arena.SlabOf(table.Peek(i));
    if (slab == full) continue;
    if (i % 10 >= (arena.RegionOf(slab) == sparse ? 1 : 6) || arena.RegionOf(slab) == 3) table.RemoveRcu(i);
  }
  table.cache().FreeRcuBarrier();
  ASSERT_TRUE(table.cache().Compact().ok());
  EXPECT_EQ(arena.regions_held(), 2u);
  EXPECT_EQ(table.cache().Stats().slabs, table.cache().Stats().slabs_needed());
  EXPECT_EQ(table.violations(), 0u);
}

TEST(CompactorTest, LeavesARefusedSlabAlone) {
  HandleTable table({.slots = kItems});
  Fill(table, kItems);
  KeepEvery(table, kItems, 10);
  table.refuse = true;
  const CompactStats pass = table.cache().Compact().value();
  EXPECT_EQ(pass.objects_moved, 0u);
  EXPECT_GT(pass.slabs_refused, 0u);
  EXPECT_EQ(pass.slabs_released, 0u);
  table.refuse = false;
  EXPECT_GT(table.cache().Compact().value().slabs_released, 0u) << "nothing was left pinned";
  ExpectSound(table);
}

TEST(CompactorTest, StopsWhenCancelled) {
  HandleTable table({.slots = kItems});
  Fill(table, kItems);
  KeepEvery(table, kItems, 10);
  std::atomic<bool> cancel{true};
  const CompactStats pass = table.cache().Compact({.cancel = &cancel}).value();
  EXPECT_EQ(pass.objects_moved, 0u);
  ExpectSound(table);
}

TEST(CompactorTest, RefusesAnImmovableCache) {
  auto arena = Arena::Create().value();
  auto cache = Cache::Create({.name = "plain", .object_size = 64, .arena = arena.get()}).value();
  EXPECT_EQ(cache->Compact().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(CompactorTest, ASecondPassAtOnceIsRefused) {
  HandleTable table({.slots = kItems});
  Fill(table, kItems);
  std::atomic<bool> done{false};
  std::atomic<size_t> refused{0};
  std::thread other([&] {
    while (!done) {
      const auto result = table.cache().Compact({.mode = CompactOptions::Mode::kMoveEverything});
      if (!result.ok()) refused += result.status().code() == absl::StatusCode::kUnavailable ? 1 : 1'000'000;
    }
  });
  for (int i = 0; i < 20; ++i) {
    const auto result = table.cache().Compact({.mode = CompactOptions::Mode::kMoveEverything});
    if (!result.ok()) refused += result.status().code() == absl::StatusCode::kUnavailable ? 1 : 1'000'000;
  }
  done = true;
  other.join();
  EXPECT_LT(refused, 1'000'000u);
  ExpectSound(table);
}

}  // namespace
}  // namespace mxa::slab
