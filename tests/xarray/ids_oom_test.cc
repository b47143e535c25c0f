// SPDX-License-Identifier: Apache-2.0
//
// Without memory a reservation, an allocation of an ID, and an Ida's, change nothing, whichever of the allocations they
// need is the first to fail; an exhausted limit is told apart from exhausted memory.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "slab/arena.h"
#include "tests/support/ida_peer.h"
#include "xarray/array_core.h"
#include "xarray/dump.h"
#include "xarray/ida.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

constexpr uint64_t kLast = ~uint64_t{0};

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

std::unique_ptr<slab::Arena> SmallArena() {
  slab::ArenaOptions options;
  options.reserve_bytes = options.min_reserve_bytes = slab::kRegionSize;
  return slab::Arena::Create(options).value();
}

// All objects of a cache, taken so that none is left.
template <typename Cache, typename Object>
class Hoard {
 public:
  explicit Hoard(Cache& cache) : cache_(cache) {
    while (Object* object = cache_.Allocate(slab::AllocFlags::kNone)) taken_.push_back(object);
  }
  ~Hoard() { GiveBack(taken_.size()); }
  void GiveBack(size_t count) {
    for (; count > 0; --count) {
      cache_.Free(taken_.back());
      taken_.pop_back();
    }
  }

 private:
  Cache& cache_;
  std::vector<Object*> taken_;
};
using NodeHoard = Hoard<NodeCache, Node>;
using BitmapHoard = Hoard<IdBitmapCache, IdBitmap>;

class IdsOomTest : public testing::Test {
 protected:
  // Runs `operation` on an array that has an entry at 0 and one at 70, with 0, 1, ... nodes to be had, until it does not
  // say that memory is missing. Returns with how many nodes it worked.
  size_t NodesNeeded(const std::function<absl::Status(ArrayCore&)>& operation) {
    ArrayCore array(*nodes_);
    EXPECT_TRUE(array.Store(0, ValueEntry(1)).ok());
    EXPECT_TRUE(array.Store(70, ValueEntry(2)).ok());
    EXPECT_TRUE(array.SetMark(70, Mark::k0));
    nodes_->slabs().FreeRcuBarrier();  // those of the array before come back now rather than when they help
    NodeHoard hoard(*nodes_);
    const std::string before = Dump(array);
    for (size_t free = 0; free < 64; ++free) {
      const absl::Status status = operation(array);
      EXPECT_EQ(CheckInvariants(array), absl::OkStatus());
      if (status.code() != absl::StatusCode::kResourceExhausted) {
        EXPECT_EQ(status, absl::OkStatus());
        return free;
      }
      EXPECT_EQ(Dump(array), before) << "with " << free;
      hoard.GiveBack(1);
    }
    ADD_FAILURE() << "never had enough";
    return 0;
  }

  std::unique_ptr<slab::Arena> node_arena_ = SmallArena();
  std::unique_ptr<slab::Arena> bitmap_arena_ = SmallArena();
  std::unique_ptr<NodeCache> nodes_ = NodeCache::Create(node_arena_.get()).value();
  std::unique_ptr<IdBitmapCache> bitmaps_ = IdBitmapCache::Create(bitmap_arena_.get()).value();
};

TEST_F(IdsOomTest, ReserveFailsWhollyOrNotAtAll) {
  // Height 2: 9 nodes above the old top, and 10 on the path.
  EXPECT_EQ(NodesNeeded([](ArrayCore& array) { return array.Reserve(kLast); }), 19u);
  EXPECT_EQ(NodesNeeded([](ArrayCore& array) { return array.Reserve(4000); }), 1u);
  EXPECT_EQ(NodesNeeded([](ArrayCore& array) { return array.Reserve(1); }), 0u);
  EXPECT_EQ(NodesNeeded([](ArrayCore& array) { return array.Insert(4000, kNull); }), 1u);
}

TEST_F(IdsOomTest, AllocateFailsWhollyOrNotAtAll) {
  for (const Entry entry : {kNull, ValueEntry(9)}) {
    uint64_t id = 77;
    const auto allocate = [&](IdLimit limit) {
      return [&id, entry, limit](ArrayCore& array) {
        const auto got = array.Allocate(entry, limit, &id);
        EXPECT_EQ(got.ok(), id != 77);
        return got.status();
      };
    };
    EXPECT_EQ(NodesNeeded(allocate({kLast, kLast})), 19u);
    EXPECT_EQ(id, kLast);
    id = 77;
    EXPECT_EQ(NodesNeeded(allocate({4000, 4001})), 1u);
    EXPECT_EQ(id, 4000u);
    id = 77;
    EXPECT_EQ(NodesNeeded(allocate({})), 0u);
    EXPECT_EQ(id, 1u);
  }
}

TEST_F(IdsOomTest, AllocateCyclicFailsWhollyOrNotAtAll) {
  CyclicState state = {5000, false};
  uint64_t id = 77;
  EXPECT_EQ(NodesNeeded([&](ArrayCore& array) {
              const auto got = array.AllocateCyclic(kNull, {10, 6000}, state, &id);
              EXPECT_EQ(state.next, got.ok() ? 5001u : 5000u);
              EXPECT_EQ(id, got.ok() ? 5000u : 77u);
              return got.status();
            }),
            3u);
}

TEST_F(IdsOomTest, AStoreToAReservedIndexNeedsNoMemory) {
  ArrayCore array(*nodes_);
  for (const uint64_t index : {uint64_t{0}, uint64_t{64}, kLast}) ASSERT_EQ(array.Reserve(index), absl::OkStatus());
  NodeHoard hoard(*nodes_);
  for (const uint64_t index : {uint64_t{0}, uint64_t{64}, kLast}) {
    EXPECT_TRUE(array.Store(index, ValueEntry(1)).ok());
    EXPECT_EQ(array.Load(index), ValueEntry(1));
  }
}

TEST_F(IdsOomTest, NoFreeIdIsToldApartFromNoMemory) {
  ArrayCore array(*nodes_);
  Ida ida(*nodes_, *bitmaps_);
  ASSERT_TRUE(array.Allocate(kNull).ok());
  ASSERT_TRUE(ida.Allocate().ok());
  NodeHoard hoard(*nodes_);
  EXPECT_EQ(array.Allocate(kNull, {0, 0}).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(array.Allocate(kNull).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ida.Allocate({0, 0}).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(ida.Allocate({1024, 1024}).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(IdsOomTest, AnIdaFailsWhollyOrNotAtAllForWantOfABitmap) {
  Ida ida(*nodes_, *bitmaps_);
  for (uint64_t id = 0; id < 63; ++id) ASSERT_EQ(ida.Allocate().value(), id);
  BitmapHoard hoard(*bitmaps_);
  EXPECT_EQ(ida.Allocate().status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(ida.Exists(63));
  EXPECT_EQ(ida.Allocate({2047, 2047}).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(nodes_->slabs().Stats().live, 0u) << "a node was kept";
  EXPECT_EQ(ida.CheckInvariants(), absl::OkStatus());
  ida.Free(7);
  EXPECT_EQ(ida.Allocate().value(), 7u) << "needs no memory";
  hoard.GiveBack(1);
  EXPECT_EQ(ida.Allocate().value(), 63u);
  EXPECT_EQ(ida.CheckInvariants(), absl::OkStatus());
}

TEST_F(IdsOomTest, AnIdaFailsWhollyOrNotAtAllForWantOfNodes) {
  Ida ida(*nodes_, *bitmaps_);
  ASSERT_EQ(ida.Allocate().value(), 0u);
  {
    NodeHoard hoard(*nodes_);
    const std::string before = Dump(IdaPeer::Chunks(ida));
    // The chunk's index has 54 bits: a new top and a path of 8 to either end.
    for (size_t free = 0; free < 17; ++free) {
      ASSERT_EQ(ida.Allocate({kLast, kLast}).status().code(), absl::StatusCode::kResourceExhausted) << free;
      ASSERT_EQ(Dump(IdaPeer::Chunks(ida)), before);
      ASSERT_EQ(bitmaps_->slabs().Stats().live, 0u) << "a bitmap was kept";
      hoard.GiveBack(1);
    }
    EXPECT_EQ(ida.Allocate({kLast, kLast}).value(), kLast);
    EXPECT_EQ(ida.CheckInvariants(), absl::OkStatus());
  }
  NodeHoard hoard(*nodes_);
  BitmapHoard bitmaps(*bitmaps_);
  ida.Free(kLast);
  EXPECT_EQ(ida.FindFirst(), 0u);
}

}  // namespace
}  // namespace mxa::xarray
