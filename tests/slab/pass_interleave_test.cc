// SPDX-License-Identifier: Apache-2.0
//
// What users of a cache do at named points of a pass: allocate, retire, end their threads, wait, and use the callbacks.
#include <atomic>
#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "base/schedule_point.h"
#include "gtest/gtest.h"
#include "slab/cache.h"
#include "tests/support/handle_table.h"

namespace mxa::slab {
namespace {

using test::HandleTable;

constexpr size_t kItems = 4000;
constexpr size_t kSheaf = 8;

// Runs `action` once, at the first time that the pass reaches `point`, on a thread of its own.
class AtPoint {
 public:
  AtPoint(const char* point, std::function<void()> action) {
    point_ = point;
    action_ = std::move(action);
    SetScheduleHandlerForTest(&Handle);
  }
  ~AtPoint() {
    SetScheduleHandlerForTest(nullptr);
    EXPECT_EQ(action_, nullptr) << point_ << " was never reached";
  }

 private:
  static void Handle(const char* point) {
    if (std::strcmp(point, point_) != 0 || action_ == nullptr) return;
    std::thread(std::exchange(action_, nullptr)).join();
  }
  static inline const char* point_ = nullptr;
  static inline std::function<void()> action_;
};

// Every second item lives, so that all slabs are half full and half of them become victims.
void FillHalf(HandleTable& table, size_t items) {
  for (size_t i = 0; i < items; ++i) ASSERT_TRUE(table.Create(i));
  for (size_t i = 0; i < items; i += 2) table.RemoveRcu(i);
  table.cache().FreeRcuBarrier();
}

void ExpectSound(HandleTable& table) {
  EXPECT_EQ(table.violations(), 0u);
  EXPECT_TRUE(table.cache().CheckInvariants().ok()) << table.cache().CheckInvariants();
  size_t live = 0;
  for (size_t i = 0; i < 2 * kItems; ++i) {
    EXPECT_TRUE(table.Read(i)) << i;
    live += table.Peek(i) != nullptr ? 1 : 0;
  }
  EXPECT_EQ(table.cache().Stats().live, live);
}

class PassInterleaveTest : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Points, PassInterleaveTest,
                         testing::Values("pass.before_mark", "pass.after_mark", "drain.after_barn",
                                         "pass.after_isolate", "pass.before_grace_period", "pass.in_turn"),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (char& c : name) c = c == '.' || c == '_' ? 'X' : c;
                           return name;
                         });

TEST_P(PassInterleaveTest, ObjectsComeAndGo) {
  HandleTable table({.slots = 2 * kItems, .sheaf_capacity = kSheaf});
  FillHalf(table, kItems);
  {
    AtPoint at(GetParam(), [&] {
      for (size_t i = 1; i < kItems; i += 6) table.RemoveNow(i);
      for (size_t i = 3; i < kItems; i += 6) table.RemoveRcu(i);
      for (size_t i = 0; i < kItems; i += 2) EXPECT_TRUE(table.Create(i));
    });
    ASSERT_TRUE(table.cache().Compact({.batch_objects = 500}).ok());
  }
  table.cache().FreeRcuBarrier();
  EXPECT_EQ(table.destroyed(), table.removed_rcu());
  ExpectSound(table);
}

// A thread with part-filled sheaves of objects of the coming victims, one of them retired, sleeps through the pass.
TEST_P(PassInterleaveTest, AThreadSleepsOnItsSheaves) {
  HandleTable table({.slots = 2 * kItems, .sheaf_capacity = 64});
  FillHalf(table, kItems);
  std::atomic<bool> done{false};
  std::thread sleeper;
  {
    AtPoint at(GetParam(), [&] {
      std::atomic<bool> asleep{false};
      sleeper = std::thread([&] {
        for (size_t i = 1; i < kItems; i += 200) table.RemoveNow(i);
        for (size_t i = 3; i < kItems; i += 200) table.RemoveRcu(i);
        asleep = true;
        while (!done) std::this_thread::yield();
      });
      while (!asleep) std::this_thread::yield();
    });
    ASSERT_TRUE(table.cache().Compact().ok());
  }
  const CacheStats stats = table.cache().Stats();
  EXPECT_LE(stats.slabs, stats.slabs_needed() + 1) << "the sleeper holds no victim back";
  table.cache().FreeRcuBarrier();
  EXPECT_EQ(table.destroyed(), table.removed_rcu());
  done = true;
  sleeper.join();
  ExpectSound(table);
}

TEST_P(PassInterleaveTest, OthersShrinkAndWait) {
  HandleTable table({.slots = 2 * kItems, .sheaf_capacity = kSheaf});
  std::thread waiter;
  FillHalf(table, kItems);
  {
    AtPoint at(GetParam(), [&] {
      for (size_t i = 1; i < kItems; i += 4) table.RemoveRcu(i);
      table.cache().Stats();
      EXPECT_EQ(table.cache().Compact().status().code(), absl::StatusCode::kUnavailable);
      // Beside the pass: it waits for the batch that this point is in.
      waiter = std::thread([&] {
        table.cache().FreeRcuBarrier();
        table.cache().Shrink();
      });
    });
    ASSERT_TRUE(table.cache().Compact({.batch_objects = 500}).ok());
  }
  waiter.join();
  EXPECT_EQ(table.destroyed(), table.removed_rcu());
  ExpectSound(table);
}

TEST(PassMemoryInterleaveTest, AnAllocationTakesPlannedSlabsBackBeforeItFails) {
  constexpr size_t kSlots = 20'000;
  HandleTable table({.slots = 2 * kSlots, .sheaf_capacity = kSheaf, .reserve_bytes = kRegionSize});
  size_t items = 0;
  while (table.Create(items)) ++items;
  ASSERT_LT(items, kSlots);
  for (size_t i = 0; i < items; i += 2) table.RemoveNow(i);
  size_t created = 0;
  {
    AtPoint at("pass.after_mark", [&] {
      while (table.Create(kSlots + created)) ++created;
    });
    ASSERT_TRUE(table.cache().Compact({.batch_objects = 200}).ok());
  }
  // All but what the one marked slab has free; what no pass had planned would be a half.
  EXPECT_GT(created, items / 2 - items / 16);
  EXPECT_EQ(table.violations(), 0u);
  EXPECT_TRUE(table.cache().CheckInvariants().ok()) << table.cache().CheckInvariants();
}

// Those it takes are the last ones of the plan: the pass goes on with the rest.
TEST(PassMemoryInterleaveTest, AnAllocationLeavesThePassWhatItDoesNotNeed) {
  constexpr size_t kSlots = 20'000;
  HandleTable table({.slots = 2 * kSlots, .sheaf_capacity = kSheaf, .reserve_bytes = kRegionSize});
  size_t items = 0;
  while (table.Create(items)) ++items;
  for (size_t i = 0; i < items; ++i) {
    if (i % 4 != 0) table.RemoveNow(i);
  }
  size_t created = 0;
  {
    AtPoint at("pass.after_mark", [&] {
      // What is not planned has room for all that lives in the victims, and little more.
      while (created < items / 2 && table.Create(kSlots + created)) ++created;
    });
    EXPECT_GT(table.cache().Compact({.batch_objects = 200}).value().batches, 1u);
  }
  EXPECT_EQ(created, items / 2);
  EXPECT_EQ(table.violations(), 0u);
  EXPECT_TRUE(table.cache().CheckInvariants().ok()) << table.cache().CheckInvariants();
}

TEST(PassCancelInterleaveTest, NothingMovesAfterTheRequest) {
  HandleTable table({.slots = 2 * kItems, .sheaf_capacity = kSheaf});
  FillHalf(table, kItems);
  std::atomic<bool> cancel{false};
  CompactStats pass;
  {
    AtPoint at("pass.after_isolate", [&] { cancel = true; });
    pass = table.cache().Compact({.cancel = &cancel}).value();
  }
  EXPECT_EQ(pass.objects_moved, 0u) << "the slab that was frozen just before settles without a move";
  EXPECT_EQ(pass.slabs_released, 0u);
  ExpectSound(table);
  EXPECT_GT(table.cache().Compact().value().slabs_released, 0u) << "nothing was left pinned";
  ExpectSound(table);
}

}  // namespace
}  // namespace mxa::slab
