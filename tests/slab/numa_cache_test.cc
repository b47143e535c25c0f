// SPDX-License-Identifier: Apache-2.0
//
// A cache over several nodes: a thread gets objects of the node it runs on, and passes move what lives on one node to
// another.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "slab/cache.h"
#include "tests/support/fake_topology.h"
#include "tests/support/handle_table.h"

namespace mxa::slab {
namespace {

using test::FakeTopology;
using test::HandleTable;
using Mode = CompactOptions::Mode;

constexpr int kNodes = 3;

// Runs `work` on a thread of its own on `node`.
template <typename Work>
void OnNode(int node, Work work) {
  std::thread thread([&] {
    FakeTopology::RunOn(node);
    work();
  });
  thread.join();
}

class NumaCacheTest : public testing::Test {
 protected:
  NumaCacheTest() { FakeTopology::RunOn(0); }
  ~NumaCacheTest() override {
    FakeTopology::RunOn(0);
    for (void* object : held_) cache_->Free(object);
    ExpectSound();
  }
  void ExpectSound() { EXPECT_TRUE(cache_->CheckInvariants().ok()) << cache_->CheckInvariants(); }

  int NodeOf(const void* object) {
    const int node = arena_->NodeOf(arena_->SlabOf(object));
    EXPECT_EQ(topology_.NodeOf(object), node);
    return node;
  }
  void* Allocate(AllocFlags flags = AllocFlags::kNone) {
    void* object = cache_->Allocate(flags);
    if (object != nullptr) held_.push_back(object);
    return object;
  }
  void AllocateOn(int node, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      void* object = Allocate();
      ASSERT_NE(object, nullptr);
      ASSERT_EQ(NodeOf(object), node);
    }
  }

  FakeTopology topology_{kNodes};
  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = kNodes * kRegionSize, .min_reserve_bytes = kRegionSize, .topology = &topology_})
          .value();
  std::unique_ptr<Cache> cache_ =
      Cache::Create({.name = "thing", .object_size = 1024, .arena = arena_.get(), .sheaf_capacity = 8}).value();
  std::vector<void*> held_;
};

TEST_F(NumaCacheTest, AThreadGetsObjectsOfItsNode) {
  for (int round = 0; round < 2; ++round) {
    for (int node = 0; node < kNodes; ++node) {
      OnNode(node, [&] { AllocateOn(node, 100); });
    }
  }
  ExpectSound();
}

TEST_F(NumaCacheTest, PartSlabsElsewhereAreLeftAlone) {
  OnNode(1, [&] { AllocateOn(1, 3); });
  const size_t before = cache_->Stats().slabs;
  AllocateOn(0, 3);
  EXPECT_EQ(cache_->Stats().slabs, before + 1);
}

// The thread of node 1 ends, so what it had left over is in slabs of node 1.
TEST_F(NumaCacheTest, WithoutMemoryOfItsNodeAThreadGetsAnothersObjects) {
  OnNode(1, [&] { AllocateOn(1, 3); });
  topology_.refuse = FakeTopology::kAllNodes;
  FakeTopology::RunOn(2);
  void* object = Allocate();
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(NodeOf(object), 1);
}

// Objects of two nodes wait for one grace period in one sheaf, which is full afterwards.
TEST_F(NumaCacheTest, WhatIsRetiredTogetherGoesBackToItsNodes) {
  AllocateOn(0, 40);
  OnNode(1, [&] { AllocateOn(1, 40); });
  for (size_t i = 0; i < 40; ++i) {
    cache_->FreeRcu(held_[i]);
    cache_->FreeRcu(held_[40 + i]);
  }
  held_.clear();
  cache_->FreeRcuBarrier();
  for (int node = 0; node < 2; ++node) {
    OnNode(node, [&] { AllocateOn(node, 60); });
  }
}

TEST_F(NumaCacheTest, WithoutNewSlabsAThreadGetsAnothersObjects) {
  OnNode(1, [&] { AllocateOn(1, 3); });
  FakeTopology::RunOn(2);
  void* object = Allocate(AllocFlags::kNoNewSlab);
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(NodeOf(object), 1);
}

TEST_F(NumaCacheTest, NullWhenNoNodeHasMemory) {
  while (Allocate() != nullptr) continue;
  EXPECT_EQ(held_.size(), kNodes * kRegionSize / 1024) << "all nodes' memory was used";
  EXPECT_EQ(Allocate(AllocFlags::kNoNewSlab), nullptr);
}

// Full sheaves of node 1 go to its barn, where a thread of node 0 does not look.
TEST_F(NumaCacheTest, ABarnServesTheThreadsOfItsNode) {
  OnNode(1, [&] {
    AllocateOn(1, 64);
    while (!held_.empty()) {
      cache_->Free(held_.back());
      held_.pop_back();
    }
  });
  EXPECT_GE(cache_->Stats().cached, 8u) << "the thread is gone, its full sheaves are in the barn";
  const CacheStats before = cache_->Stats();
  AllocateOn(0, 8);
  EXPECT_EQ(cache_->Stats().cached, before.cached) << "nothing of node 1 was taken";
  const size_t refills = cache_->Stats().counts[Count::kRefill];
  OnNode(1, [&] { AllocateOn(1, 8); });
  EXPECT_EQ(cache_->Stats().cached, before.cached - 8);
  EXPECT_EQ(cache_->Stats().counts[Count::kRefill], refills) << "it came from the barn";
}

TEST_F(NumaCacheTest, WithoutMemoryTheOtherBarnsAreUsedToo) {
  OnNode(1, [&] {
    while (Allocate() != nullptr) continue;
    for (int i = 0; i < 64; ++i) {
      cache_->Free(held_[0]);
      held_.erase(held_.begin());
    }
  });
  ASSERT_EQ(cache_->Stats().live, held_.size());
  const size_t cached = cache_->Stats().cached;
  for (size_t i = 0; i < 64; ++i) ASSERT_NE(Allocate(), nullptr) << i << " with " << cached << " cached";
  EXPECT_EQ(Allocate(), nullptr);
}

TEST_F(NumaCacheTest, WhatIsFreedElsewhereDoesNotStayThere) {
  OnNode(1, [&] { AllocateOn(1, 200); });
  for (void* object : held_) cache_->Free(object);
  held_.clear();
  EXPECT_LE(cache_->Stats().cached, 16u) << "the thread's two sheaves; no barn has any";
  ExpectSound();
  OnNode(0, [&] { AllocateOn(0, 8); });
}

TEST_F(NumaCacheTest, RecycledObjectsGoToTheBarnOfTheirNode) {
  OnNode(2, [&] {
    AllocateOn(2, 32);
    for (void* object : held_) cache_->FreeRcu(object);
    held_.clear();
  });
  cache_->FreeRcuBarrier();
  ExpectSound();
  EXPECT_EQ(cache_->Stats().retired, 0u);
  const CacheStats before = cache_->Stats();
  EXPECT_GE(before.cached, 8u);
  OnNode(2, [&] { AllocateOn(2, 8); });
  EXPECT_EQ(cache_->Stats().cached, before.cached - 8) << "straight from the barn";
}

TEST_F(NumaCacheTest, ShrinkingEmptiesEveryBarn) {
  for (int node = 0; node < kNodes; ++node) {
    OnNode(node, [&] {
      AllocateOn(node, 64);
      for (void* object : held_) cache_->Free(object);
      held_.clear();
    });
  }
  cache_->Shrink();
  EXPECT_EQ(cache_->Stats().slabs, 0u);
  EXPECT_EQ(arena_->units_held(), 0u);
}

class NumaPassTest : public testing::Test {
 protected:
  static constexpr size_t kItems = 9'000;

  NumaPassTest() { FakeTopology::RunOn(0); }
  ~NumaPassTest() override {
    FakeTopology::RunOn(0);
    EXPECT_TRUE(table_.cache().CheckInvariants().ok()) << table_.cache().CheckInvariants();
    EXPECT_EQ(table_.violations(), 0u);
    for (size_t i = 0; i < kItems; ++i) EXPECT_TRUE(table_.Read(i)) << i;
  }

  // Fills the slots node by node, with `on_node[node]` of them each, and then keeps every `nth`.
  void Fill(const std::vector<size_t>& on_node, size_t nth) {
    size_t slot = 0;
    for (int node = 0; node < static_cast<int>(on_node.size()); ++node) {
      OnNode(node, [&] {
        for (size_t i = 0; i < on_node[static_cast<size_t>(node)]; ++i) ASSERT_TRUE(table_.Create(slot++));
      });
    }
    for (size_t i = 0; i < slot; ++i) {
      if (i % nth != 0) table_.RemoveRcu(i);
    }
    table_.cache().FreeRcuBarrier();
  }
  // Live items by the node whose memory they lie in, as the topology has it.
  std::vector<size_t> Live() {
    std::vector<size_t> live(kNodes);
    reclaim::ReadSection section;
    for (size_t i = 0; i < kItems; ++i) {
      if (const test::Item* item = table_.Peek(i)) ++live[static_cast<size_t>(topology_.NodeOf(item))];
    }
    return live;
  }
  size_t PerSlab() { return table_.cache().Stats().objects_per_slab; }

  FakeTopology topology_{kNodes};
  HandleTable table_{{.slots = kItems, .reserve_bytes = 16 * kRegionSize, .topology = &topology_}};
};

TEST_F(NumaPassTest, MovesAllToOneNode) {
  Fill({3000, 3000, 3000}, 2);
  ASSERT_EQ(Live(), (std::vector<size_t>{1500, 1500, 1500}));
  const CompactStats pass = table_.cache().Compact({.mode = Mode::kMoveToNode, .to_node = 2}).value();
  EXPECT_EQ(Live(), (std::vector<size_t>{0, 0, 4500}));
  EXPECT_EQ(pass.objects_moved, 3000u);
  EXPECT_EQ(pass.objects_moved_across_nodes, 3000u);
  EXPECT_EQ(table_.cache().TotalCompactStats().objects_moved_across_nodes, 3000u);
}

TEST_F(NumaPassTest, MovesFromOneNodeToAnother) {
  Fill({3000, 3000, 3000}, 3);
  const CompactOptions options{.mode = Mode::kMoveToNode, .from_node = 1, .to_node = 0, .batch_objects = 100};
  EXPECT_EQ(table_.cache().Compact(options).value().objects_moved, 1000u);
  EXPECT_EQ(Live(), (std::vector<size_t>{2000, 0, 1000}));
  EXPECT_EQ(table_.cache().Compact(options).value().objects_moved, 0u) << "nothing is left there";
}

TEST_F(NumaPassTest, ObjectsStayWhereTheirNewNodeHasNoMemory) {
  Fill({3000, 0, 0}, 1);
  topology_.refuse = 1;
  const CompactStats pass = table_.cache().Compact({.mode = Mode::kMoveToNode, .to_node = 1}).value();
  EXPECT_EQ(pass.objects_moved, 0u);
  EXPECT_EQ(Live(), (std::vector<size_t>{3000, 0, 0}));
}

TEST_F(NumaPassTest, BalancingLeavesLessThanASlabOfDifference) {
  Fill({6000, 400, 2600}, 2);
  const CompactStats pass = table_.cache().Compact({.mode = Mode::kBalance, .batch_objects = 500}).value();
  const std::vector<size_t> live = Live();
  EXPECT_LT(*std::max_element(live.begin(), live.end()) - *std::min_element(live.begin(), live.end()), PerSlab());
  EXPECT_EQ(live[0] + live[1] + live[2], 4500u);
  EXPECT_EQ(pass.objects_moved_across_nodes, pass.objects_moved);
  EXPECT_EQ(table_.cache().Compact({.mode = Mode::kBalance}).value().objects_moved, 0u);
}

TEST_F(NumaPassTest, BalancingServesSeveralEmptyNodes) {
  Fill({9000, 0, 0}, 1);
  ASSERT_TRUE(table_.cache().Compact({.mode = Mode::kBalance}).ok());
  const std::vector<size_t> live = Live();
  EXPECT_LE(*std::max_element(live.begin(), live.end()) - *std::min_element(live.begin(), live.end()), PerSlab())
      << "only full slabs";
}

TEST_F(NumaPassTest, PackingLeavesObjectsOnTheirNode) {
  Fill({3000, 3000, 3000}, 10);
  FakeTopology::RunOn(1);
  const CompactStats pass = table_.cache().Compact().value();
  EXPECT_GT(pass.objects_moved, 0u);
  EXPECT_EQ(pass.objects_moved_across_nodes, 0u);
  EXPECT_EQ(Live(), (std::vector<size_t>{300, 300, 300}));
  EXPECT_EQ(table_.cache().Stats().slabs, kNodes * ((300 + PerSlab() - 1) / PerSlab())) << "as few as can be a node";
}

TEST_F(NumaPassTest, MovingEverythingLeavesObjectsOnTheirNode) {
  Fill({1000, 2000, 3000}, 1);
  const CompactStats pass = table_.cache().Compact({.mode = Mode::kMoveEverything}).value();
  EXPECT_EQ(pass.objects_moved, 6000u);
  EXPECT_EQ(pass.objects_moved_across_nodes, 0u);
  EXPECT_EQ(Live(), (std::vector<size_t>{1000, 2000, 3000}));
}

TEST_F(NumaPassTest, ANodeThatIsNotThereIsRefused) {
  for (const CompactOptions& options :
       {CompactOptions{.mode = Mode::kMoveToNode}, CompactOptions{.mode = Mode::kMoveToNode, .to_node = kNodes},
        CompactOptions{.mode = Mode::kMoveToNode, .from_node = 1, .to_node = 1}}) {
    EXPECT_EQ(table_.cache().Compact(options).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(table_.cache().TotalCompactStats().passes, 0u);
}

// While threads on every node make and remove items, everything is moved round the nodes.
TEST_F(NumaPassTest, MovesRoundTheNodesUnderUse) {
  Fill({3000, 3000, 3000}, 2);
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int node = 0; node < kNodes; ++node) {
    threads.emplace_back([&, node] {
      FakeTopology::RunOn(node);
      // Each its own slots, odd ones: those are empty.
      for (size_t i = 0; !done; ++i) {
        const size_t slot = static_cast<size_t>(node) * 3000 + 1 + 2 * (i % 1500);
        if (table_.Create(slot)) table_.RemoveRcu(slot);
        table_.Read(slot - 1);
        std::this_thread::yield();
      }
    });
  }
  // The table refuses moves while a thread has its lock, so how many passes it takes is open.
  uint64_t moved = 0;
  for (int round = 0; round < 200 && moved < 9000; ++round) {
    for (const CompactOptions& options : {CompactOptions{.mode = Mode::kMoveToNode, .to_node = round % kNodes},
                                          CompactOptions{.mode = Mode::kBalance}}) {
      moved += table_.cache().Compact(options).value().objects_moved_across_nodes;
    }
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  table_.cache().FreeRcuBarrier();
  EXPECT_GT(moved, 0u);
  ASSERT_TRUE(table_.cache().Compact({.mode = Mode::kMoveToNode, .to_node = 1}).ok());
  EXPECT_EQ(Live(), (std::vector<size_t>{0, 4500, 0}));
}

}  // namespace
}  // namespace mxa::slab
