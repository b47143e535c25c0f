// SPDX-License-Identifier: Apache-2.0
//
// Under one hold of the lock each operation does what it does alone, and no other writer comes between.
#include "xarray/locked_xarray.h"

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "gtest/gtest.h"
#include "slab/arena.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"
#include "xarray/node_cache.h"

namespace mxa {
namespace {

using Element = XArray<Value>::Element;

TEST(LockedXArrayTest, DoesWhatSingleOperationsDo) {
  XArray<Value> array;
  XArray<Value> twin;
  tests::Random random(tests::TestSeed(9));
  for (int hold = 0; hold < 200; ++hold) {
    LockedXArray<Value> locked(array);
    for (int i = 0; i < 20; ++i) {
      const uint64_t index = random.OneIn(20) ? random.Next() >> random.Below(64) : random.Below(150);
      const uint64_t value = random.Below(5);
      const Element expected = random.OneIn(2) ? Element() : Element(random.Below(5));
      switch (random.Below(9)) {
        case 0:
          ASSERT_EQ(locked.Store(index, value).value(), twin.Store(index, value).value());
          break;
        case 1:
          ASSERT_EQ(locked.Insert(index, value).code(), twin.Insert(index, value).code());
          break;
        case 2:
          ASSERT_EQ(locked.CompareExchange(index, expected, value).value(),
                    twin.CompareExchange(index, expected, value).value());
          break;
        case 3:
          ASSERT_EQ(locked.Erase(index), twin.Erase(index));
          break;
        case 4:
          ASSERT_EQ(locked.Reserve(index), twin.Reserve(index));
          break;
        case 5:
          ASSERT_EQ(locked.Release(index), twin.Release(index));
          break;
        case 6:
          ASSERT_EQ(locked.SetMark(index, Mark::k1), twin.SetMark(index, Mark::k1));
          break;
        case 7:
          locked.ClearMark(index, Mark::k1);
          twin.ClearMark(index, Mark::k1);
          break;
        case 8:
          ASSERT_EQ(locked.Store(index, std::nullopt).value(), twin.Store(index, std::nullopt).value());
          break;
      }
      ASSERT_EQ(locked.Load(index), twin.Load(index));
      ASSERT_EQ(locked.GetMark(index, Mark::k1), twin.GetMark(index, Mark::k1));
    }
    XArrayCursor<Value> cursor(array, 0);
    while (const Element element = cursor.Next()) ASSERT_EQ(element, twin.Load(cursor.index()));
  }
  EXPECT_EQ(array.CheckInvariants(), absl::OkStatus());
  EXPECT_EQ(twin.CheckInvariants(), absl::OkStatus());
}

// Two entries that are always changed together: whoever holds the lock finds them equal, while nodes move.
TEST(LockedXArrayTest, OtherWritersComeBeforeOrAfter) {
  const auto nodes = xarray::NodeCache::Create().value();
  XArray<Value> array(*nodes);
  std::atomic<bool> end{false};
  std::atomic<uint64_t> holds{0};
  {
    tests::ThreadGroup threads;
    for (uint64_t seed = 1; seed <= 2; ++seed) {
      threads.Start("writer", [&, seed] {
        tests::Random random(seed);
        while (!end) {
          Element element;
          if (!random.OneIn(3)) element = random.Below(1000);
          LockedXArray<Value> locked(array);
          ASSERT_EQ(locked.Load(3), locked.Load(5000));
          ASSERT_TRUE(locked.Store(3, element).ok());
          ASSERT_TRUE(locked.Store(5000, element).ok());
          ++holds;
        }
      });
    }
    threads.Start("pass", [&] {
      // Until the writers, too, have done something.
      for (int i = 0; i < 200 || holds < 200; ++i) {
        ASSERT_TRUE(nodes->slabs().Compact({.mode = slab::CompactOptions::Mode::kMoveEverything}).ok());
      }
      end = true;
    });
  }
  EXPECT_EQ(array.CheckInvariants(), absl::OkStatus());
}

TEST(LockedXArrayTest, TiesIndices) {
  XArray<Value> array;
  LockedXArray<Value> locked(array);
  ASSERT_TRUE(locked.Store(70, 1).ok());
  EXPECT_EQ(locked.InsertOrder(64, 3, 2).code(), absl::StatusCode::kAlreadyExists);
  std::vector<uint64_t> replaced;
  ASSERT_TRUE(
      locked.StoreOrder(64, 3, 2, [&](uint64_t index, std::optional<uint64_t>) { replaced.push_back(index); }).ok());
  EXPECT_EQ(replaced, std::vector<uint64_t>{70});
  EXPECT_EQ(locked.Load(71), 2u);
  EXPECT_EQ(locked.GetOrder(65), 3u);
  EXPECT_TRUE(locked.SetMark(66, Mark::k0));
  EXPECT_TRUE(locked.GetMark(64, Mark::k0));
  locked.ClearMark(71, Mark::k0);
  EXPECT_FALSE(locked.GetMark(64, Mark::k0));
  ASSERT_TRUE(locked.InsertOrder(72, 3, 3).ok());
  EXPECT_EQ(locked.CompareExchange(67, 2, 4).value(), 2u);
  EXPECT_EQ(locked.Erase(68), 4u);
  EXPECT_EQ(locked.Load(72), 3u);
}

TEST(LockedXArrayTest, WithoutMemoryNothingChanges) {
  slab::ArenaOptions options;
  options.reserve_bytes = options.min_reserve_bytes = slab::kRegionSize;
  const auto arena = slab::Arena::Create(options).value();
  const auto nodes = xarray::NodeCache::Create(arena.get()).value();
  XArray<Value> array(*nodes);
  ASSERT_TRUE(array.Store(0, 1).ok());
  std::vector<xarray::Node*> taken;
  while (xarray::Node* node = nodes->Allocate(slab::AllocFlags::kNone)) taken.push_back(node);
  {
    LockedXArray<Value> locked(array);
    EXPECT_EQ(locked.Store(9, 2).status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(locked.Insert(9, 2).code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(locked.Reserve(9).code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(locked.StoreOrder(8, 3, 2).code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(locked.Store(0, 3).value(), 1u);
    EXPECT_EQ(locked.Load(9), std::nullopt);
  }
  for (xarray::Node* node : taken) nodes->Free(node);
  EXPECT_EQ(array.CheckInvariants(), absl::OkStatus());
}

}  // namespace
}  // namespace mxa
