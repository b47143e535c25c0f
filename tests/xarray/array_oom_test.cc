// SPDX-License-Identifier: Apache-2.0
//
// Without memory a store changes nothing, neither entries nor height, however many nodes short it is; with just enough
// it works.
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "slab/arena.h"
#include "tests/support/array_core_peer.h"
#include "xarray/array_core.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

constexpr size_t kNodesToGrow = 21;  // from an entry in the head to the full height

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

class ArrayOomTest : public testing::Test {
 protected:
  ArrayOomTest() {
    slab::ArenaOptions options;
    options.reserve_bytes = options.min_reserve_bytes = slab::kRegionSize;
    arena_ = slab::Arena::Create(options).value();
    nodes_ = NodeCache::Create(arena_.get()).value();
  }

  // Takes every node there is.
  void UseUpMemory() {
    while (Node* node = nodes_->Allocate(slab::AllocFlags::kNone)) taken_.push_back(node);
  }
  void GiveBack(size_t count) {
    for (; count > 0; --count) {
      nodes_->Free(taken_.back());
      taken_.pop_back();
    }
  }

  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<NodeCache> nodes_;
  std::vector<Node*> taken_;
};

TEST_F(ArrayOomTest, GrowingFailsWhollyOrNotAtAll) {
  ArrayCore array(*nodes_);
  ASSERT_TRUE(array.Store(0, ValueEntry(1)).ok());
  array.SetMark(0, Mark::k1);
  UseUpMemory();
  ASSERT_GT(taken_.size(), kNodesToGrow);
  for (size_t free = 0; free < kNodesToGrow; ++free) {
    const auto stored = array.Store(~uint64_t{0}, ValueEntry(2));
    ASSERT_EQ(stored.status().code(), absl::StatusCode::kResourceExhausted) << free;
    ASSERT_EQ(array.Insert(~uint64_t{0}, ValueEntry(2)).code(), absl::StatusCode::kResourceExhausted);
    ASSERT_EQ(ArrayCorePeer::Head(array), ValueEntry(1));
    ASSERT_TRUE(array.GetMark(0, Mark::k1));
    ASSERT_EQ(CheckInvariants(array), absl::OkStatus());
    GiveBack(1);
  }
  EXPECT_TRUE(array.Store(~uint64_t{0}, ValueEntry(2)).ok());
  EXPECT_EQ(array.Load(~uint64_t{0}), ValueEntry(2));
  EXPECT_EQ(CheckInvariants(array), absl::OkStatus());
  GiveBack(taken_.size());
}

TEST_F(ArrayOomTest, APathInATreeFailsWhollyOrNotAtAll) {
  ArrayCore array(*nodes_);
  ASSERT_TRUE(array.Store(uint64_t{1} << 32, ValueEntry(1)).ok());
  UseUpMemory();
  const unsigned needed = 5;
  for (size_t free = 0; free < needed; ++free) {
    ASSERT_EQ(array.Store(5, ValueEntry(2)).status().code(), absl::StatusCode::kResourceExhausted) << free;
    ASSERT_EQ(array.Load(5), kNull);
    ASSERT_EQ(CheckInvariants(array), absl::OkStatus());
    GiveBack(1);
  }
  EXPECT_TRUE(array.Store(5, ValueEntry(2)).ok());
  EXPECT_EQ(array.Load(5), ValueEntry(2));
  GiveBack(taken_.size());
}

TEST_F(ArrayOomTest, WhatNeedsNoMemoryWorksWithoutAny) {
  ArrayCore array(*nodes_);
  for (const uint64_t index : {uint64_t{0}, uint64_t{63}, uint64_t{1} << 20})
    ASSERT_TRUE(array.Store(index, ValueEntry(1)).ok());
  UseUpMemory();
  EXPECT_TRUE(array.Store(62, ValueEntry(2)).ok());
  EXPECT_TRUE(array.Store(63, ValueEntry(3)).ok());
  EXPECT_TRUE(array.SetMark(63, Mark::k0));
  EXPECT_EQ(array.Erase(uint64_t{1} << 20), ValueEntry(1));
  EXPECT_EQ(ArrayCorePeer::Height(array), 1u);
  EXPECT_EQ(CheckInvariants(array), absl::OkStatus());
  GiveBack(taken_.size());
}

}  // namespace
}  // namespace mxa::xarray
