// SPDX-License-Identifier: Apache-2.0
//
// A store over several nodes: slabs stand with their node, and a node's own come first.
#include <algorithm>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "slab/slab_store.h"
#include "tests/support/fake_topology.h"

namespace mxa::slab {
namespace {

using test::FakeTopology;

constexpr int kNodes = 3;

class NumaStoreTest : public testing::Test {
 protected:
  NumaStoreTest() {
    FakeTopology::RunOn(0);
    options_.name = "thing";
    options_.object_size = 1000;
    store_ = std::make_unique<SlabStore>(reinterpret_cast<CacheCore*>(this), options_, *arena_);
  }
  ~NumaStoreTest() override {
    FakeTopology::RunOn(0);
    store_->Unplan();
    store_->Return(held_);
    ExpectSound();
    store_.reset();
    EXPECT_EQ(arena_->units_held(), 0u);
  }
  void ExpectSound() { EXPECT_TRUE(store_->CheckInvariants().ok()) << store_->CheckInvariants(); }

  std::vector<void*> Take(size_t count, int node, bool strict) {
    std::vector<void*> objects(count);
    objects.resize(store_->Take(absl::MakeSpan(objects), node, strict));
    held_.insert(held_.end(), objects.begin(), objects.end());
    return objects;
  }
  void Return(const std::vector<void*>& objects) {
    for (void* object : objects) std::erase(held_, object);
    store_->Return(objects);
  }
  // How many of `objects` lie on each node.
  std::vector<size_t> ByNode(const std::vector<void*>& objects) {
    std::vector<size_t> count(kNodes);
    for (const void* object : objects) ++count[static_cast<size_t>(arena_->NodeOf(arena_->SlabOf(object)))];
    return count;
  }

  FakeTopology topology_{kNodes};
  CacheOptions options_;
  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = kNodes * kRegionSize, .min_reserve_bytes = kRegionSize, .topology = &topology_})
          .value();
  std::unique_ptr<SlabStore> store_;
  std::vector<void*> held_;
};

TEST_F(NumaStoreTest, ASlabIsAddedOnItsNode) {
  for (int node = 0; node < kNodes; ++node) {
    for (int i = 0; i <= node; ++i) ASSERT_TRUE(store_->AddSlab(node));
  }
  FakeTopology::RunOn(1);
  ASSERT_TRUE(store_->AddSlab());
  EXPECT_EQ(store_->GetNodeCounts(0).slabs, 1u);
  EXPECT_EQ(store_->GetNodeCounts(1).slabs, 3u);
  EXPECT_EQ(store_->GetNodeCounts(2).slabs, 3u);
  EXPECT_EQ(store_->GetCounts().empty, 7u);
  EXPECT_EQ(store_->ReleaseEmpty(0), 7u);
  for (int node = 0; node < kNodes; ++node) EXPECT_EQ(store_->GetNodeCounts(node).slabs, 0u);
  ExpectSound();
}

TEST_F(NumaStoreTest, StrictTakesFromTheNodeAlone) {
  const size_t capacity = store_->capacity();
  for (int node = 0; node < kNodes; ++node) ASSERT_TRUE(store_->AddSlab(node));
  const std::vector<void*> objects = Take(2 * capacity, 1, true);
  EXPECT_EQ(ByNode(objects), (std::vector<size_t>{0, capacity, 0}));
  EXPECT_TRUE(Take(1, 1, true).empty());
  EXPECT_EQ(store_->GetNodeCounts(1).allocated, capacity);
  EXPECT_EQ(store_->GetNodeCounts(0).allocated, 0u);
}

TEST_F(NumaStoreTest, TakesFromTheNodesAfterItInTurn) {
  const size_t capacity = store_->capacity();
  for (int node = 0; node < kNodes; ++node) ASSERT_TRUE(store_->AddSlab(node));
  EXPECT_EQ(ByNode(Take(capacity + 3, 1, false)), (std::vector<size_t>{0, capacity, 3}));
  EXPECT_EQ(ByNode(Take(capacity, 1, false)), (std::vector<size_t>{3, 0, capacity - 3}));
  EXPECT_EQ(Take(capacity, 1, false).size(), capacity - 3) << "all there was";
}

TEST_F(NumaStoreTest, AnEmptySlabOfTheNodeComesBeforeAFullerOneElsewhere) {
  ASSERT_TRUE(store_->AddSlab(0));
  Take(store_->capacity() - 1, 0, true);
  ASSERT_TRUE(store_->AddSlab(2));
  EXPECT_EQ(ByNode(Take(1, 2, false)), (std::vector<size_t>{0, 0, 1}));
}

TEST_F(NumaStoreTest, AnyNodeBeginsWithTheCurrentOne) {
  for (int node = 0; node < kNodes; ++node) ASSERT_TRUE(store_->AddSlab(node));
  FakeTopology::RunOn(2);
  EXPECT_EQ(ByNode(Take(2, kAnyNode, false)), (std::vector<size_t>{0, 0, 2}));
  EXPECT_EQ(ByNode(Take(2, kAnyNode, true)), (std::vector<size_t>{0, 0, 2}));
}

TEST_F(NumaStoreTest, WhatIsReturnedGoesToItsOwnNode) {
  for (int node = 0; node < kNodes; ++node) ASSERT_TRUE(store_->AddSlab(node));
  const std::vector<void*> objects = Take(4, 1, true);
  FakeTopology::RunOn(2);
  Return(objects);
  EXPECT_EQ(store_->GetNodeCounts(1).allocated, 0u);
  EXPECT_EQ(ByNode(Take(4, 1, true)), (std::vector<size_t>{0, 4, 0}));
  ExpectSound();
}

TEST_F(NumaStoreTest, EmptySlabsGoFromTheNodeThatHasMost) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store_->AddSlab(2));
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(store_->AddSlab(0));
  EXPECT_EQ(store_->ReleaseEmpty(4), 3u);
  EXPECT_EQ(store_->GetNodeCounts(0).slabs, 2u);
  EXPECT_EQ(store_->GetNodeCounts(2).slabs, 2u);
  EXPECT_EQ(store_->ReleaseEmpty(4), 0u);
}

TEST_F(NumaStoreTest, PlannedAndMarkedSlabsComeBackToTheirNode) {
  for (int node = 0; node < kNodes; ++node) ASSERT_TRUE(store_->AddSlab(node));
  std::vector<Slab*> slabs;
  for (int node = 0; node < kNodes; ++node) slabs.push_back(arena_->SlabOf(Take(2, node, true)[0]));
  for (const SlabStore::Choice& choice : store_->Listed()) EXPECT_EQ(choice.node, arena_->NodeOf(choice.slab));
  store_->Plan(slabs);
  EXPECT_EQ(store_->GetNodeCounts(1).allocated, 2u) << "planned ones are counted";
  EXPECT_TRUE(store_->TakeBackPlanned());
  EXPECT_EQ(ByNode(Take(1, 2, true)), (std::vector<size_t>{0, 0, 1}));
  Slab* marked = store_->MarkNextPlanned();
  EXPECT_EQ(arena_->NodeOf(marked), 0);
  store_->Unplan();
  EXPECT_EQ(ByNode(Take(1, 1, true)), (std::vector<size_t>{0, 1, 0}));
  EXPECT_TRUE(Take(1, 0, true).empty());
  ExpectSound();
  store_->Settle({&marked, 1}, {});
  EXPECT_EQ(ByNode(Take(1, 0, true)), (std::vector<size_t>{1, 0, 0}));
  ExpectSound();
}

TEST_F(NumaStoreTest, ANodeAskedForIsMeantWhenASlabIsAdded) {
  topology_.refuse = 1;
  EXPECT_FALSE(store_->AddSlab(1));
  EXPECT_EQ(store_->GetCounts().slabs, 0u);
  FakeTopology::RunOn(1);
  EXPECT_TRUE(store_->AddSlab(kAnyNode)) << "any will do";
  EXPECT_EQ(store_->GetNodeCounts(2).slabs, 1u);
}

}  // namespace
}  // namespace mxa::slab
