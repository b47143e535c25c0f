// SPDX-License-Identifier: Apache-2.0
//
// The drain finds every free object wherever it hides, at the worst moments; and the tests notice each step left out.
//
// Property: CanFree is never handed an object that its user has freed.
// Each case frees objects of the coming victims at a named point of the pass, by which they get into the place under
// test.
#include <atomic>
#include <cstddef>
#include <thread>

#include "base/planted_bug.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "reclaim/retire.h"
#include "slab/cache.h"
#include "tests/support/at_points.h"
#include "tests/support/handle_table.h"

namespace mxa::slab {
namespace {

using test::AtPoints;
using test::HandleTable;

constexpr size_t kItems = 4000;
constexpr size_t kSheaf = 8;

class Planted {
 public:
  explicit Planted(PlantedBug bug) { PlantBugForTest(bug); }
  ~Planted() {
    EXPECT_GT(PlantedBugRunsForTest(), 0) << "the planted bug never ran";
    PlantBugForTest(PlantedBug::kNone);
  }
};

// Every second item lives, so that all slabs are half full and half of them become victims.
void FillHalf(HandleTable& table) {
  for (size_t i = 0; i < kItems; ++i) ASSERT_TRUE(table.Create(i));
  for (size_t i = 0; i < kItems; i += 2) table.RemoveRcu(i);
  table.cache().FreeRcuBarrier();
}

// Frees `count` items spread over all slabs; they end in this thread's sheaves and, when there are many, in the barn.
void FreeSome(HandleTable& table, size_t count) {
  for (size_t i = 0; i < count; ++i) table.RemoveNow((i * 331 * 2 + 1) % kItems);
}

size_t ViolationsWhenFreedAt(const char* point, size_t count, size_t quarantine_objects = 0) {
  HandleTable table({.slots = kItems, .sheaf_capacity = kSheaf, .quarantine_objects = quarantine_objects});
  FillHalf(table);
  {
    AtPoints at({{point, [&] { FreeSome(table, count); }}});
    EXPECT_TRUE(table.cache().Compact().ok());
  }
  EXPECT_TRUE(table.cache().CheckInvariants().ok() || table.violations() != 0) << table.cache().CheckInvariants();
  return table.violations();
}

TEST(DrainInterleaveTest, FindsObjectsInThreadSheaves) {
  EXPECT_EQ(ViolationsWhenFreedAt("pass.before_mark", kSheaf), 0u);
}

TEST(DrainInterleaveTest, NoticesASkippedDrain) {
  Planted bug(PlantedBug::kDrainSkipped);
  EXPECT_GT(ViolationsWhenFreedAt("pass.before_mark", kSheaf), 0u);
}

TEST(DrainInterleaveTest, FindsObjectsInTheBarn) {
  EXPECT_EQ(ViolationsWhenFreedAt("pass.before_mark", 5 * kSheaf), 0u);
}

TEST(DrainInterleaveTest, FindsObjectsInTheQuarantine) {
  EXPECT_EQ(ViolationsWhenFreedAt("pass.before_mark", 5 * kSheaf, /*quarantine_objects=*/100 * kSheaf), 0u);
}

TEST(DrainInterleaveTest, NoticesABarnLeftOpen) {
  Planted bug(PlantedBug::kBarnOpenDuringDrain);
  EXPECT_GT(ViolationsWhenFreedAt("pass.before_mark", 5 * kSheaf), 0u);
}

// What is freed between the mark and the drain is tested against the mark in the section that pushes it.
TEST(DrainInterleaveTest, KeepsMarkedObjectsOutOfSheaves) {
  EXPECT_EQ(ViolationsWhenFreedAt("pass.after_mark", 5 * kSheaf), 0u);
}

TEST(DrainInterleaveTest, KeepsMarkedObjectsOutAfterTheBarnsTurn) {
  EXPECT_EQ(ViolationsWhenFreedAt("drain.after_barn", 5 * kSheaf), 0u);
}

TEST(DrainInterleaveTest, KeepsMarkedObjectsOutWhileTheSlabIsIsolated) {
  EXPECT_EQ(ViolationsWhenFreedAt("pass.after_isolate", 5 * kSheaf), 0u);
}

// A full sheaf that its thread puts into the barn after the barn's turn: the barn's filter refuses it.
TEST(DrainInterleaveTest, TheBarnRefusesMarkedObjectsAfterItsTurn) {
  HandleTable table({.slots = kItems, .sheaf_capacity = kSheaf});
  FillHalf(table);
  {
    AtPoints at(
        {{"pass.before_mark", [&] { FreeSome(table, 2 * kSheaf); }}, {"drain.after_barn", [&] {
                                                                        for (size_t i = 2 * kSheaf; i < 8 * kSheaf; ++i)
                                                                          table.RemoveNow((i * 331 * 2 + 1) % kItems);
                                                                      }}});
    ASSERT_TRUE(table.cache().Compact().ok());
  }
  EXPECT_EQ(table.violations(), 0u);
  EXPECT_TRUE(table.cache().CheckInvariants().ok()) << table.cache().CheckInvariants();
}

void RemoveOdd(HandleTable& table, size_t items) {
  for (size_t i = 1; i < items; i += 2) table.RemoveRcu(i);
}

// Sheaves retired before the mark, whose grace period ends while their slabs are isolated: phase two may look at the
// objects, so their destructors wait until the slabs leave isolation; then each runs exactly once.
TEST(DrainInterleaveTest, DestructorsWaitUntilTheSlabLeavesIsolation) {
  HandleTable table({.slots = kItems, .sheaf_capacity = kSheaf});
  FillHalf(table);
  const size_t destroyed_before = table.destroyed();
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  std::thread reader([&] {
    reclaim::ReadSection section;
    inside = true;
    while (!leave) std::this_thread::yield();
  });
  while (!inside) std::this_thread::yield();
  size_t destroyed_isolated = 0;
  {
    AtPoints at({{"pass.before_mark", [&] { RemoveOdd(table, kItems); }}, {"pass.after_isolate", [&] {
                                                                             leave = true;
                                                                             std::thread([] {
                                                                               reclaim::RetireBarrier();
                                                                             }).join();
                                                                             destroyed_isolated = table.destroyed();
                                                                           }}});
    ASSERT_TRUE(table.cache().Compact({.mode = CompactOptions::Mode::kMoveEverything, .batch_objects = kItems}).ok());
  }
  reader.join();
  EXPECT_EQ(destroyed_isolated, destroyed_before) << "every slab is a victim here";
  table.cache().FreeRcuBarrier();
  EXPECT_EQ(table.destroyed(), table.removed_rcu());
  EXPECT_EQ(table.violations(), 0u);
  EXPECT_TRUE(table.cache().CheckInvariants().ok()) << table.cache().CheckInvariants();
}

// Recycling that has looked at the marks before they were set: the drain waits for its end.
TEST(DrainInterleaveTest, TheDrainWaitsForRecyclingUnderWay) {
  HandleTable table({.slots = kItems, .sheaf_capacity = kSheaf});
  FillHalf(table);
  std::atomic<bool> recycling{false};
  std::atomic<bool> isolated{false};
  std::atomic<bool> overtaken{false};
  {
    AtPoints at({{"pass.before_mark",
                  [&] {
                    RemoveOdd(table, 40 * kSheaf);
                    while (!recycling) std::this_thread::yield();
                  }},
                 {"recycle.filtered",
                  [&] {
                    recycling = true;
                    for (int i = 0; i < 20'000 && !isolated; ++i) std::this_thread::yield();
                    overtaken = isolated.load();
                  }},
                 {"pass.after_isolate", [&] { isolated = true; }}});
    ASSERT_TRUE(table.cache().Compact().ok());
  }
  EXPECT_FALSE(overtaken) << "a slab was frozen while its objects were being recycled";
  EXPECT_EQ(table.violations(), 0u);
}

// What is retired during a pass needs no further call to be destroyed.
TEST(DrainInterleaveTest, RetiredObjectsOfMarkedSlabsGoWithTheirBatch) {
  HandleTable table({.slots = kItems, .sheaf_capacity = kSheaf});
  FillHalf(table);
  {
    AtPoints at({{"pass.after_isolate", [&] { RemoveOdd(table, 100 * kSheaf); }}});
    ASSERT_TRUE(table.cache().Compact({.mode = CompactOptions::Mode::kMoveEverything, .batch_objects = kItems}).ok());
  }
  reclaim::RetireBarrier();
  EXPECT_GE(table.destroyed() + kSheaf, table.removed_rcu()) << "all but what lies in this thread's own sheaf";
  const CacheStats stats = table.cache().Stats();
  EXPECT_LE(stats.slabs - stats.empty_slabs, stats.slabs_needed() + 1);
  EXPECT_EQ(table.violations(), 0u);
}

// A barrier during a pass waits for the destructors that wait for the batch.
TEST(DrainInterleaveTest, ABarrierWaitsForTheBatchesUnderWay) {
  HandleTable table({.slots = kItems, .sheaf_capacity = kSheaf});
  FillHalf(table);
  std::thread other;
  std::atomic<size_t> missing{kItems};
  std::atomic<bool> done{false};
  {
    AtPoints at({{"pass.after_mark",
                  [&] {
                    RemoveOdd(table, kItems);
                    const size_t removed = table.removed_rcu();
                    other = std::thread([&table, &missing, &done, removed] {
                      table.cache().FreeRcuBarrier();
                      missing = removed - table.destroyed();
                      done = true;
                    });
                  }},
                 // Time for a barrier that does not wait.
                 {"pass.before_grace_period", [&] {
                    for (int i = 0; i < 20'000 && !done; ++i) std::this_thread::yield();
                  }}});
    ASSERT_TRUE(table.cache().Compact().ok());
  }
  other.join();
  EXPECT_EQ(missing, 0u);
}

// What is retired of a marked slab after its batch has been handed on is on the list of the pass, of which neither a
// barrier nor the figures lose sight.
TEST(DrainInterleaveTest, TheListOfMarkedObjectsIsWaitedForAndCounted) {
  HandleTable table({.slots = kItems, .sheaf_capacity = kSheaf});
  FillHalf(table);
  table.refuse = true;  // else they would live elsewhere by then
  std::thread other;
  std::atomic<size_t> missing{kItems};
  CacheStats before;
  CacheStats after;
  {
    AtPoints at({{"pass.before_grace_period", [&] {
                    before = table.cache().Stats();
                    RemoveOdd(table, 7);  // three: no sheaf is full
                    after = table.cache().Stats();
                    other = std::thread([&] {
                      table.cache().FreeRcuBarrier();
                      missing = table.removed_rcu() - table.destroyed();
                    });
                  }}});
    ASSERT_TRUE(table.cache().Compact({.mode = CompactOptions::Mode::kMoveEverything, .batch_objects = kItems}).ok());
  }
  other.join();
  EXPECT_EQ(missing, 0u);
  EXPECT_EQ(after.retired, before.retired + 3);
  EXPECT_EQ(after.live, before.live - 3);
}

// The grace period comes after the last move and before the pages go: a reader that got its pointer before the move
// keeps it.
size_t ReleasedUnderAReader() {
  HandleTable table({.slots = kItems, .sheaf_capacity = kSheaf});
  FillHalf(table);
  std::atomic<bool> inside{false};
  std::atomic<bool> leave{false};
  std::atomic<bool> moved{false};
  std::thread reader([&] {
    reclaim::ReadSection section;
    inside = true;
    while (!leave) std::this_thread::yield();
  });
  while (!inside) std::this_thread::yield();
  const uint64_t before = table.cache().Stats().slabs_released;
  uint64_t after = before;
  {
    AtPoints at({{"pass.before_grace_period", [&] { moved = true; }}});
    std::thread pass([&] { EXPECT_TRUE(table.cache().Compact({.batch_objects = kItems}).ok()); });
    while (!moved) std::this_thread::yield();
    for (int i = 0; i < 2000; ++i) std::this_thread::yield();
    after = table.cache().Stats().slabs_released;
    leave = true;
    reader.join();
    pass.join();
  }
  EXPECT_GT(table.cache().Stats().slabs_released, before) << "nothing was released at all";
  return after - before;
}

TEST(DrainInterleaveTest, NoPageGoesWhileAReaderMayHoldIt) { EXPECT_EQ(ReleasedUnderAReader(), 0u); }

TEST(DrainInterleaveTest, NoticesAMissingGracePeriod) {
  Planted bug(PlantedBug::kNoGracePeriod);
  EXPECT_GT(ReleasedUnderAReader(), 0u);
}

}  // namespace
}  // namespace mxa::slab
