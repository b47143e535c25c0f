// SPDX-License-Identifier: Apache-2.0
//
// An entry changes at all its indices at once: who has read a version at one index reads no older one at another, and who
// met one with a cursor can load it. What stays is counted once, also in leaves, while nodes move.
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/motion.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"
#include "xarray/array_core.h"
#include "xarray/count_marked.h"
#include "xarray/cursor.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

using tests::Motion;
using tests::Random;

constexpr auto kDuration = std::chrono::milliseconds(2500);
constexpr uint64_t kFirst = 4096 + 64;  // the 64 indices that always have one version
constexpr Entry ValueEntry(uint64_t value) { return value << 1 | 1; }
void TellNobody(uint64_t, Entry) {}

TEST(OrdersAtomicStressTest, NoIndexLagsBehindAnother) {
  std::unique_ptr<NodeCache> nodes = NodeCache::Create().value();
  ArrayCore array(*nodes);
  Motion motion(Motion::Kind::kPasses, *nodes);
  ASSERT_TRUE(array.Store(4096 + 63, ValueEntry(0)).ok());
  ASSERT_TRUE(array.StoreOrder(kFirst, 6, ValueEntry(1), TellNobody).ok());
  // What stays, in one leaf with what changes, and marked.
  for (uint64_t index = 20480; index < 20480 + 48; index += 16) {
    ASSERT_TRUE(array.StoreOrder(index, 4, ValueEntry(7), TellNobody).ok());
    ASSERT_TRUE(array.SetMark(index, Mark::k0));
  }
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> changes{0};
  std::atomic<uint64_t> reads{0};
  tests::ThreadGroup threads;
  threads.Start("writer", [&] {
    Random random(tests::TestSeed(1));
    for (uint64_t version = 2; !stop.load(); ++version, changes.fetch_add(1)) {
      const uint64_t index = kFirst + random.Below(64);
      switch (random.Below(8)) {
        case 0:
          ASSERT_TRUE(array.StoreOrder(index, 7, ValueEntry(version), TellNobody).ok());
          break;
        case 1:
          ASSERT_TRUE(array.StoreOrder(index, 9, ValueEntry(version), TellNobody).ok());
          ASSERT_TRUE(array.EraseRange(4096 + 256, 4096 + 511, TellNobody).ok());
          break;
        case 2:
          if (array.GetOrder(index) < 6u) break;
          ASSERT_TRUE(array.Store(index, ValueEntry(version)).ok());
          break;
        case 3:
          ASSERT_TRUE(array.Split(index, static_cast<unsigned>(random.Below(7))).ok());
          break;
        case 4:
          ASSERT_TRUE(array.SplitToward(index, static_cast<unsigned>(random.Below(7))).ok());
          break;
        case 5:
          ASSERT_TRUE(array.StoreOrder(4096, 5, ValueEntry(version), TellNobody).ok());
          ASSERT_TRUE(array.Store(20480 + 48, ValueEntry(version)).ok());
          ASSERT_TRUE(array.StoreOrder(20480 + 48, 1, ValueEntry(version), TellNobody).ok());
          array.Erase(20480 + 48);
          break;
        default:
          ASSERT_TRUE(array.StoreOrder(index, 6, ValueEntry(version), TellNobody).ok());
      }
    }
  });
  for (uint64_t seed = 0; seed < 3; ++seed) {
    threads.Start("reader", [&, seed] {
      Random random(tests::TestSeed(10 + seed));
      uint64_t seen = 0;
      const auto judge = [&](Entry entry, const char* what) {
        ASSERT_NE(entry, kNull) << what;
        ASSERT_GE(entry >> 1, seen) << what;
        seen = entry >> 1;
      };
      while (!stop.load() && !testing::Test::HasFatalFailure()) {
        reclaim::ReadSection section;
        const uint64_t index = kFirst + random.Below(64);
        judge(array.LoadInSection(index), "Load");
        Entry entry = kNull;
        array.LoadManyInSection({&index, 1}, &entry);
        judge(entry, "LoadMany");
        judge(Cursor(array, index).Next(index), "Next");
        judge(Cursor(array, index).Prev(index), "Prev");
        judge(Cursor(array, index).NextIndex(), "NextIndex");
        // Up from the leaf before, and on through it: never ahead of a load.
        Cursor cursor(array, kFirst - 1);
        cursor.NextIndex();
        for (int i = 0; i < 70; ++i) {
          const Entry stepped = cursor.NextIndex();
          if (cursor.index() >= kFirst + 64) break;
          ASSERT_NE(stepped, kNull);
          const Entry loaded = array.LoadInSection(cursor.index());
          ASSERT_LE(stepped >> 1, loaded >> 1) << "met before it could be loaded";
          judge(loaded, "Load after a step");
        }
        reads.fetch_add(1);
      }
    });
  }
  threads.Start("counter", [&] {
    Random random(tests::TestSeed(20));
    while (!stop.load() && !testing::Test::HasFatalFailure()) {
      ASSERT_EQ(CountMarked(array, Mark::k0, 20480 + random.Below(16), 20480 + 63), 3u);
      reclaim::ReadSection section;
      const uint64_t index = 20480 + random.Below(48);
      ASSERT_EQ(Cursor(array, index).Next(20480 + 47), ValueEntry(7));
      Cursor down(array, 20480 + 47);
      uint64_t met = 0;
      while (down.Prev(index) != kNull) ++met;
      ASSERT_EQ(met, 3 - (index - 20480) / 16);
      ASSERT_TRUE(array.GetMark(index, Mark::k0));
    }
  });
  const auto start = std::chrono::steady_clock::now();
  do {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  } while (std::chrono::steady_clock::now() - start < kDuration ||
           ((changes.load() < 500 || reads.load() < 500) && std::chrono::steady_clock::now() - start < 20 * kDuration));
  stop.store(true);
  threads.JoinAll();
  EXPECT_GE(changes.load(), 500u);
  EXPECT_GE(reads.load(), 500u);
  RecordProperty("changes", static_cast<int>(changes.load()));
  RecordProperty("reads", static_cast<int>(reads.load()));
  EXPECT_EQ(CheckInvariants(array), absl::OkStatus());
}

}  // namespace
}  // namespace mxa::xarray
