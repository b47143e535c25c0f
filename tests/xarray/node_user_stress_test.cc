// SPDX-License-Identifier: Apache-2.0
//
// A user as there are in earnest: links the nodes that hold nothing but values, and takes those of the oldest back, while
// writers store, passes move the nodes, and arrays come and go.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "base/check.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "gtest/gtest.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"
#include "xarray/array_core.h"
#include "xarray/locked_node.h"
#include "xarray/node_cache.h"
#include "xarray/node_user.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

// Its list's links lie in the areas.
class ValueNodes final : public NodeUser {
 public:
  struct Area : ListLink {};

  void OnUpdate(const NodeView& node) override {
    MutexLock lock(&mutex_);
    auto* area = static_cast<Area*>(node.area());
    const bool is_wanted = node.height() == 1 && node.values() == node.used();
    if (is_wanted == list_.contains(*area)) return;
    if (is_wanted) {
      list_.PushBack(*area);
    } else {
      list_.Remove(*area);
    }
  }
  void OnLeave(const NodeView& node) override {
    MutexLock lock(&mutex_);
    auto* area = static_cast<Area*>(node.area());
    if (list_.contains(*area)) list_.Remove(*area);
  }
  bool TryMove(const NodeView& from, const NodeView& to, size_t) override {
    if (!mutex_.TryLock()) return false;
    auto* area = static_cast<Area*>(from.area());
    if (list_.contains(*area)) {
      list_.Remove(*area);
      list_.PushBack(*static_cast<Area*>(to.area()));
    }
    mutex_.Unlock();
    return true;
  }

  // Takes back what the oldest node holds; returns how many entries that were.
  int TakeBackOldest() {
    std::optional<LockedNode> node = TryLockOldest();
    if (!node.has_value()) return 0;
    int erased = 0;
    std::move(*node).EraseAll([&](uint64_t, Entry entry) {
      MXA_CHECK(IsValue(entry), "a node was listed that holds something else");
      ++erased;
    });
    return erased;
  }

  bool empty() {
    MutexLock lock(&mutex_);
    return list_.empty();
  }

 private:
  std::optional<LockedNode> TryLockOldest() {
    MutexLock lock(&mutex_);
    return list_.empty() ? std::nullopt : LockedNode::TryLock(list_.front());
  }

  Mutex mutex_;
  IntrusiveList<Area> list_ ABSL_GUARDED_BY(mutex_);
};

TEST(NodeUserStressTest, TakesBackNodesWhileTheyMoveAndArraysEnd) {
  ValueNodes user;
  auto nodes = NodeCache::Create(nullptr, {&user, sizeof(ValueNodes::Area)}).value();
  std::atomic<bool> stop{false};
  std::atomic<int64_t> taken_back{0};
  std::atomic<int64_t> moved{0};
  tests::ThreadGroup threads;
  threads.Start("take back", [&] {
    while (!stop.load(std::memory_order_relaxed)) {
      const int erased = user.TakeBackOldest();
      taken_back.fetch_add(erased, std::memory_order_relaxed);
      if (erased == 0) std::this_thread::yield();
    }
  });
  threads.Start("passes", [&] {
    slab::CompactOptions options;
    options.mode = slab::CompactOptions::Mode::kMoveEverything;
    while (!stop.load(std::memory_order_relaxed)) {
      const auto stats = nodes->slabs().Compact(options);
      MXA_CHECK(stats.ok(), "a pass failed");
      moved.fetch_add(static_cast<int64_t>(stats->objects_moved), std::memory_order_relaxed);
    }
  });
  static int pointee = 0;
  tests::Random random(tests::TestSeed(1));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  while (std::chrono::steady_clock::now() < end) {
    ArrayCore array(*nodes);
    for (int i = 0; i < 2000; ++i) {
      const uint64_t index = random.Next() % 20000;
      switch (random.Next() % 8) {
        case 0:
          ASSERT_TRUE(array.Store(index, reinterpret_cast<Entry>(&pointee)).ok());
          break;
        case 1:
          array.Erase(index);
          break;
        case 2:
          ASSERT_TRUE(array.StoreOrder(index, 3, ValueEntry(i), [](uint64_t, Entry) {}).ok());
          break;
        default:
          ASSERT_TRUE(array.Store(index, ValueEntry(index)).ok());
      }
    }
    ASSERT_EQ(CheckInvariants(array), absl::OkStatus());
  }
  stop.store(true, std::memory_order_relaxed);
  threads.JoinAll();
  EXPECT_GT(taken_back.load(), 100);
  EXPECT_GT(moved.load(), 100);
  EXPECT_TRUE(user.empty());
  EXPECT_EQ(nodes->slabs().CheckInvariants(), absl::OkStatus());
}

}  // namespace
}  // namespace mxa::xarray
