// SPDX-License-Identifier: Apache-2.0
//
// Storing and taking entries, one at a time, at the edges of the index space; growth and shrinking.
#include "xarray/array_core.h"

#include <algorithm>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/array_core_peer.h"
#include "xarray/dump.h"
#include "xarray/node_cache.h"
#include "xarray/xarray.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

constexpr uint64_t kLast = ~uint64_t{0};
constexpr uint64_t kEdges[] = {0, 1, 63, 64, 4095, 4096, uint64_t{1} << 32, uint64_t{1} << 60, kLast - 1, kLast};

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

class ArrayCoreTest : public testing::Test {
 protected:
  ~ArrayCoreTest() override { EXPECT_EQ(CheckInvariants(array_), absl::OkStatus()) << Dump(array_); }

  size_t NodesLive() { return nodes_->slabs().Stats().live; }

  std::unique_ptr<NodeCache> nodes_ = NodeCache::Create().value();
  ArrayCore array_{*nodes_};
};

TEST_F(ArrayCoreTest, IsEmptyAtFirst) {
  EXPECT_TRUE(array_.empty());
  for (const uint64_t index : kEdges) EXPECT_EQ(array_.Load(index), kNull);
  EXPECT_EQ(NodesLive(), 0u);
}

TEST_F(ArrayCoreTest, FindsWhatWasStoredAtTheEdges) {
  for (const uint64_t index : kEdges) {
    EXPECT_EQ(array_.Store(index, ValueEntry(index % 1000)).value(), kNull);
    EXPECT_EQ(CheckInvariants(array_), absl::OkStatus()) << Dump(array_);
    EXPECT_EQ(array_.Load(index), ValueEntry(index % 1000));
  }
  for (const uint64_t index : kEdges) EXPECT_EQ(array_.Load(index), ValueEntry(index % 1000));
  for (const uint64_t index : {uint64_t{2}, uint64_t{65}, uint64_t{1} << 33, kLast - 2})
    EXPECT_EQ(array_.Load(index), kNull);
}

TEST_F(ArrayCoreTest, FindsEachEdgeAloneInATreeOfItsHeight) {
  for (const uint64_t index : kEdges) {
    EXPECT_EQ(array_.Store(index, ValueEntry(7)).value(), kNull);
    EXPECT_EQ(array_.Load(index), ValueEntry(7)) << index;
    EXPECT_EQ(array_.Load(index ^ 1), kNull) << index;
    EXPECT_EQ(NodesLive(), ArrayCorePeer::Height(array_));
    EXPECT_EQ(array_.Erase(index), ValueEntry(7));
    EXPECT_TRUE(array_.empty());
    EXPECT_EQ(NodesLive(), 0u);
  }
}

TEST_F(ArrayCoreTest, EveryHeightFindsItsFirstAndLastIndex) {
  for (unsigned height = 1; height <= kMaxHeight; ++height) {
    ArrayCore array(*nodes_);
    const uint64_t last = MaxIndex(height);
    EXPECT_TRUE(array.Store(0, ValueEntry(1)).ok());
    EXPECT_TRUE(array.Store(last, ValueEntry(2)).ok());
    EXPECT_EQ(ArrayCorePeer::Height(array), height);
    EXPECT_EQ(array.Load(0), ValueEntry(1));
    EXPECT_EQ(array.Load(last), ValueEntry(2));
    EXPECT_EQ(array.Load(1), kNull);
    if (height < kMaxHeight) {
      EXPECT_EQ(array.Load(last + 1), kNull);
    }
    EXPECT_EQ(CheckInvariants(array), absl::OkStatus()) << Dump(array);
  }
}

TEST_F(ArrayCoreTest, StoreReturnsWhatWasThere) {
  EXPECT_EQ(array_.Store(5, ValueEntry(1)).value(), kNull);
  EXPECT_EQ(array_.Store(5, ValueEntry(2)).value(), ValueEntry(1));
  EXPECT_EQ(array_.Store(5, kNull).value(), ValueEntry(2));
  EXPECT_EQ(array_.Store(5, kNull).value(), kNull);
  EXPECT_TRUE(array_.empty());
}

TEST_F(ArrayCoreTest, InsertRefusesAnIndexInUse) {
  EXPECT_EQ(array_.Insert(64, ValueEntry(1)), absl::OkStatus());
  EXPECT_EQ(array_.Insert(64, ValueEntry(2)).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(array_.Load(64), ValueEntry(1));
}

TEST_F(ArrayCoreTest, CompareExchangeStoresOnlyOverTheExpected) {
  EXPECT_EQ(array_.CompareExchange(9, ValueEntry(1), ValueEntry(2)).value(), kNull);
  EXPECT_EQ(array_.Load(9), kNull);
  EXPECT_EQ(array_.CompareExchange(9, kNull, ValueEntry(2)).value(), kNull);
  EXPECT_EQ(array_.CompareExchange(9, ValueEntry(1), ValueEntry(3)).value(), ValueEntry(2));
  EXPECT_EQ(array_.Load(9), ValueEntry(2));
  EXPECT_EQ(array_.CompareExchange(9, ValueEntry(2), kNull).value(), ValueEntry(2));
  EXPECT_TRUE(array_.empty());
}

TEST_F(ArrayCoreTest, AnEntryAtZeroAloneNeedsNoNode) {
  EXPECT_TRUE(array_.Store(0, ValueEntry(1)).ok());
  EXPECT_EQ(ArrayCorePeer::Height(array_), 0u);
  EXPECT_TRUE(array_.Store(kLast, ValueEntry(2)).ok());
  EXPECT_EQ(ArrayCorePeer::Height(array_), kMaxHeight);
  EXPECT_EQ(NodesLive(), 21u);
  EXPECT_EQ(array_.Load(0), ValueEntry(1));
  array_.Erase(kLast);
  EXPECT_EQ(ArrayCorePeer::Height(array_), 0u);
  EXPECT_EQ(array_.Load(0), ValueEntry(1));
  EXPECT_EQ(NodesLive(), 0u);
}

TEST_F(ArrayCoreTest, ShrinksToTheHeightItNeeds) {
  for (const uint64_t index : {uint64_t{3}, uint64_t{70}, uint64_t{5000}, uint64_t{1} << 40}) {
    EXPECT_TRUE(array_.Store(index, ValueEntry(index)).ok());
  }
  EXPECT_EQ(ArrayCorePeer::Height(array_), 7u);
  array_.Erase(uint64_t{1} << 40);
  EXPECT_EQ(ArrayCorePeer::Height(array_), 3u);
  array_.Erase(5000);
  EXPECT_EQ(ArrayCorePeer::Height(array_), 2u);
  array_.Erase(70);
  EXPECT_EQ(ArrayCorePeer::Height(array_), 1u);
  EXPECT_EQ(array_.Load(3), ValueEntry(3));
}

TEST_F(ArrayCoreTest, ClearLeavesAUsableArray) {
  for (uint64_t index = 0; index < 1000; ++index) EXPECT_TRUE(array_.Store(index * 977, ValueEntry(index)).ok());
  array_.Clear();
  EXPECT_TRUE(array_.empty());
  EXPECT_EQ(NodesLive(), 0u);
  EXPECT_TRUE(array_.Store(977, ValueEntry(5)).ok());
  EXPECT_EQ(array_.Load(977), ValueEntry(5));
}

TEST_F(ArrayCoreTest, DumpIsBounded) {
  for (uint64_t index = 0; index < 500; ++index) EXPECT_TRUE(array_.Store(index, ValueEntry(index)).ok());
  const std::string text = Dump(array_, 10);
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 15);
  EXPECT_NE(text.find("height 2"), std::string::npos);
}

TEST(XArrayTest, IsTyped) {
  struct Page {
    int number;
  };
  Page a{1};
  Page b{2};
  XArray<Page> pages;
  EXPECT_EQ(pages.Store(7, &a).value(), nullptr);
  EXPECT_EQ(pages.Load(7), &a);
  EXPECT_EQ(pages.CompareExchange(7, &a, &b).value(), &a);
  EXPECT_EQ(pages.Insert(7, &a).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(pages.SetMark(7, Mark::k0));
  {
    reclaim::ReadSection section;
    EXPECT_EQ(pages.LoadInSection(7), &b);
    XArrayCursor<Page> cursor(pages, 0);
    EXPECT_EQ(cursor.NextMarked(Mark::k0), &b);
    EXPECT_EQ(cursor.index(), 7u);
    EXPECT_EQ(cursor.Next(), nullptr);
  }
  EXPECT_EQ(pages.CheckInvariants(), absl::OkStatus());
  EXPECT_EQ(pages.Erase(7), &b);
  EXPECT_TRUE(pages.empty());
}

TEST(ArrayCoreDeathTest, RefusesInternalEntries) {
  ArrayCore array(NodeCache::Default());
  EXPECT_DEATH(static_cast<void>(array.Store(1, kRetry)), "may store");
}

}  // namespace
}  // namespace mxa::xarray
