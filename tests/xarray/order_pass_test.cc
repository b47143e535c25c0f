// SPDX-License-Identifier: Apache-2.0
//
// A pass that puts things in order: afterwards the nodes of each array lie as a walk meets them, readers have noticed
// nothing, and without the memory for it nothing has moved.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "base/check.h"
#include "base/fault_injector.h"
#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "tests/support/array_core_peer.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"
#include "xarray/array_core.h"
#include "xarray/locked_array.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

constexpr slab::CompactOptions kOrder = {.mode = slab::CompactOptions::Mode::kOrder};

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

// The nodes of `array` as a walk meets them.
void AppendInOrder(Entry entry, std::vector<const Node*>& nodes) {
  if (!IsNode(entry)) return;
  nodes.push_back(EntryNode(entry));
  for (unsigned offset = 0; HeightBits(entry) > 1 && offset < kSlots; ++offset) {
    AppendInOrder(EntryNode(entry)->SlotLocked(offset), nodes);
  }
}

std::vector<const Node*> InOrder(const ArrayCore& array) {
  std::vector<const Node*> nodes;
  AppendInOrder(ArrayCorePeer::Head(array), nodes);
  return nodes;
}

class OrderPassTest : public testing::Test {
 protected:
  // Every index below `count`, in random order.
  void Scatter(ArrayCore& array, uint64_t count) {
    std::vector<uint64_t> indices(count);
    std::iota(indices.begin(), indices.end(), uint64_t{0});
    std::shuffle(indices.begin(), indices.end(), std::mt19937_64(tests::TestSeed(count)));
    for (const uint64_t index : indices) ASSERT_TRUE(array.Store(index, ValueEntry(index)).ok());
  }

  FaultInjector faults_;
  std::unique_ptr<slab::Arena> arena_ = slab::Arena::Create({.faults = &faults_}).value();
  std::unique_ptr<NodeCache> nodes_ = NodeCache::Create(arena_.get()).value();
};

TEST_F(OrderPassTest, LaysNodesAsAWalkMeetsThem) {
  ArrayCore first(*nodes_);
  ArrayCore second(*nodes_);
  Scatter(first, 200'000);
  Scatter(second, 50'000);
  std::vector<const Node*> before = InOrder(first);
  ASSERT_FALSE(std::is_sorted(before.begin(), before.end()));
  const auto stats = nodes_->slabs().Compact(kOrder);
  ASSERT_TRUE(stats.ok()) << stats.status();
  EXPECT_EQ(stats->objects_moved, before.size() + InOrder(second).size());
  for (const ArrayCore* array : {&first, &second}) {
    const std::vector<const Node*> nodes = InOrder(*array);
    EXPECT_TRUE(std::is_sorted(nodes.begin(), nodes.end()));
    EXPECT_EQ(CheckInvariants(*array), absl::OkStatus());
  }
  // Packed as well, and nothing of the plan is left over.
  const slab::CacheStats after = nodes_->slabs().Stats();
  EXPECT_EQ(after.slabs, after.slabs_needed());
  EXPECT_EQ(nodes_->slabs().CheckInvariants(), absl::OkStatus());
}

TEST_F(OrderPassTest, LeavesWhatIsBusyAndReturnsItsPlace) {
  ArrayCore busy(*nodes_);
  ArrayCore array(*nodes_);
  Scatter(busy, 5'000);
  Scatter(array, 20'000);
  const std::vector<const Node*> before = InOrder(busy);
  {
    std::atomic<bool> done{false};
    tests::ThreadGroup threads;
    LockedArray locked(busy);
    threads.Start("pass", [&] {
      MXA_CHECK(nodes_->slabs().Compact(kOrder).ok(), "a pass failed");
      done.store(true, std::memory_order_release);
    });
    threads.JoinAll();
    EXPECT_TRUE(done.load(std::memory_order_acquire));
  }
  EXPECT_EQ(InOrder(busy), before);
  const std::vector<const Node*> nodes = InOrder(array);
  EXPECT_TRUE(std::is_sorted(nodes.begin(), nodes.end()));
  const slab::CacheStats after = nodes_->slabs().Stats();
  EXPECT_EQ(after.live, before.size() + nodes.size()) << "places were lost";
  EXPECT_EQ(nodes_->slabs().CheckInvariants(), absl::OkStatus());
}

TEST_F(OrderPassTest, WithoutMemoryForACopyNothingMoves) {
  ArrayCore array(*nodes_);
  Scatter(array, 100'000);
  const std::vector<const Node*> before = InOrder(array);
  const size_t live = nodes_->slabs().Stats().live;
  faults_.Arm({.space = 3});
  const auto stats = nodes_->slabs().Compact(kOrder);
  EXPECT_EQ(stats.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(InOrder(array), before);
  EXPECT_EQ(nodes_->slabs().Stats().live, live);
  faults_.Disarm();
  ASSERT_TRUE(nodes_->slabs().Compact(kOrder).ok());
  const std::vector<const Node*> nodes = InOrder(array);
  EXPECT_TRUE(std::is_sorted(nodes.begin(), nodes.end()));
  EXPECT_EQ(nodes_->slabs().CheckInvariants(), absl::OkStatus());
}

TEST_F(OrderPassTest, UnderReadersAndWriters) {
  ArrayCore array(*nodes_);
  constexpr uint64_t kCount = 30'000;
  Scatter(array, kCount);
  std::atomic<bool> stop{false};
  tests::ThreadGroup threads;
  threads.Start("reader", [&] {
    for (uint64_t index = 0; !stop.load(std::memory_order_relaxed); index = (index + 7919) % kCount) {
      const Entry entry = array.Load(index);
      MXA_CHECK(entry == ValueEntry(index) || (index % 5 == 0 && entry == kNull), "a wrong read");
    }
  });
  threads.Start("writer", [&] {
    tests::Random random(tests::TestSeed(3));
    while (!stop.load(std::memory_order_relaxed)) {
      const uint64_t index = random.Next() % (kCount / 5) * 5;
      if (random.Next() % 2 == 0) {
        array.Erase(index);
      } else {
        MXA_CHECK(array.Store(index, ValueEntry(index)).ok(), "no memory");
      }
    }
  });
  uint64_t moved = 0;
  for (int pass = 0; pass < 30 || moved <= 1000; ++pass) {
    ASSERT_LT(pass, 10'000) << "the writer holds the lock whenever the mover tries it";
    const auto stats = nodes_->slabs().Compact(kOrder);
    ASSERT_TRUE(stats.ok()) << stats.status();
    moved += stats->objects_moved;
  }
  stop.store(true, std::memory_order_relaxed);
  threads.JoinAll();
  EXPECT_GT(moved, 1000u);
  EXPECT_EQ(CheckInvariants(array), absl::OkStatus());
  EXPECT_EQ(nodes_->slabs().CheckInvariants(), absl::OkStatus());
}

}  // namespace
}  // namespace mxa::xarray
