// SPDX-License-Identifier: Apache-2.0
//
// Readers that stand between two looks at the slots of an entry of several indices, while it ends and others come.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/interleaver.h"
#include "tests/support/thread_group.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

using tests::Interleaver;
using tests::ThreadGroup;

constexpr Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

void TellNobody(uint64_t, Entry) {}

// A read of index 40 that comes by its sibling word, told from what others it could have been.
struct Reader {
  std::string name;
  std::function<Entry(const ArrayCore&)> read;
};

std::vector<Reader> Readers() {
  return {
      {"Load", [](const ArrayCore& array) { return array.Load(40); }},
      {"LoadMany",
       [](const ArrayCore& array) {
         const uint64_t index = 40;
         Entry entry = kRetry;
         array.LoadManyInSection({&index, 1}, &entry);
         return entry;
       }},
      {"Next", [](const ArrayCore& array) { return Cursor(array, 40).Next(47); }},
      {"Prev", [](const ArrayCore& array) { return Cursor(array, 40).Prev(40); }},
      {"NextMarked", [](const ArrayCore& array) { return Cursor(array, 40).NextMarked(Mark::k0, 47); }},
      {"NextIndex", [](const ArrayCore& array) { return Cursor(array, 40).NextIndex(); }},
  };
}

class OrdersInterleaveTest : public testing::TestWithParam<Reader> {
 protected:
  // An entry of order 4 at 32..47, and one apart, which keeps the node in the tree.
  OrdersInterleaveTest() : nodes_(NodeCache::Create().value()), array_(*nodes_) {
    EXPECT_TRUE(array_.Store(63, ValueEntry(99)).ok());
    Tie(1);
  }
  ~OrdersInterleaveTest() override {
    threads_.JoinAll();
    EXPECT_EQ(CheckInvariants(array_), absl::OkStatus());
  }

  void Tie(uint64_t value) {
    EXPECT_TRUE(array_.StoreOrder(32, 4, ValueEntry(value), TellNobody).ok());
    EXPECT_TRUE(array_.SetMark(32, Mark::k0));
  }
  // What is at index 32 only, but carries the mark of the entry before.
  void StoreOne(uint64_t value) {
    EXPECT_TRUE(array_.Store(32, ValueEntry(value)).ok());
    EXPECT_TRUE(array_.SetMark(32, Mark::k0));
  }
  void StartReader() {
    threads_.Start("reader", [this] {
      reclaim::ReadSection section;
      read_ = GetParam().read(array_);
    });
  }
  Entry Read() {
    threads_.JoinAll();
    return read_;
  }

  std::unique_ptr<NodeCache> nodes_;
  ArrayCore array_;
  ThreadGroup threads_;
  Entry read_ = kRetry;
};

INSTANTIATE_TEST_SUITE_P(Readers, OrdersInterleaveTest, testing::ValuesIn(Readers()),
                         [](const testing::TestParamInfo<Reader>& info) { return info.param.name; });

TEST_P(OrdersInterleaveTest, DoesNotTakeWhatCameToTheFirstSlotAlone) {
  Interleaver interleaver;
  interleaver.Hold("node.sibling_seen");
  StartReader();
  interleaver.AwaitHeld("node.sibling_seen");
  array_.Erase(32);
  StoreOne(2);
  interleaver.Release("node.sibling_seen");
  EXPECT_EQ(Read(), kNull);
}

TEST_P(OrdersInterleaveTest, TellsAnEntryFromTheOneBeforeInTheSameSlots) {
  Interleaver interleaver;
  interleaver.Hold("node.sibling_seen");
  interleaver.Hold("node.sibling_resolved");
  StartReader();
  interleaver.AwaitHeld("node.sibling_seen");
  array_.Erase(32);
  StoreOne(2);
  interleaver.Release("node.sibling_seen");
  interleaver.AwaitHeld("node.sibling_resolved");
  array_.Erase(32);
  Tie(3);
  interleaver.Release("node.sibling_resolved");
  EXPECT_EQ(Read(), ValueEntry(3));
}

TEST_P(OrdersInterleaveTest, ReadsThroughASplit) {
  Interleaver interleaver;
  interleaver.Hold("node.sibling_seen");
  interleaver.Hold("node.sibling_resolved");
  StartReader();
  interleaver.AwaitHeld("node.sibling_seen");
  EXPECT_TRUE(array_.Split(32, 2).ok());
  EXPECT_TRUE(array_.Store(32, ValueEntry(4)).ok());
  interleaver.Release("node.sibling_seen");
  interleaver.AwaitHeld("node.sibling_resolved");
  interleaver.Release("node.sibling_resolved");
  EXPECT_EQ(Read(), ValueEntry(1));
}

TEST_P(OrdersInterleaveTest, ReadsThroughAChangedCopyOfTheNode) {
  Interleaver interleaver;
  interleaver.Hold("node.sibling_resolved");
  StartReader();
  interleaver.AwaitHeld("node.sibling_resolved");
  EXPECT_TRUE(array_.StoreOrder(32, 5, ValueEntry(5), TellNobody).ok());
  interleaver.Release("node.sibling_resolved");
  EXPECT_EQ(Read(), ValueEntry(5));
}

// An entry without the mark is not met by that of the one before it or the one behind it.
TEST(OrdersMarkInterleaveTest, AnEntryIsNotMetByTheMarkOfTheNext) {
  std::unique_ptr<NodeCache> nodes = NodeCache::Create().value();
  ArrayCore array(*nodes);
  ASSERT_TRUE(array.Store(63, ValueEntry(99)).ok());
  const auto tie = [&](uint64_t value, bool marked) {
    array.Erase(32);
    EXPECT_TRUE(array.StoreOrder(32, 4, ValueEntry(value), TellNobody).ok());
    if (marked) array.SetMark(32, Mark::k0);
  };
  tie(1, true);
  ThreadGroup threads;
  Interleaver interleaver;
  interleaver.Hold("cursor.mark_seen");
  interleaver.Hold("cursor.sibling_met");
  Entry met = kRetry;
  threads.Start("reader", [&] {
    reclaim::ReadSection section;
    met = Cursor(array, 40).NextMarked(Mark::k0, 47);
  });
  interleaver.AwaitHeld("cursor.mark_seen");
  tie(2, false);
  interleaver.Release("cursor.mark_seen");
  interleaver.AwaitHeld("cursor.sibling_met");
  tie(3, true);
  interleaver.Release("cursor.sibling_met");
  threads.JoinAll();
  EXPECT_EQ(met, ValueEntry(3));
}

// Until an entry is in its first slot none of its indices has it, nor an order.
TEST(OrdersStoreInterleaveTest, ComesToAllIndicesAtOnce) {
  std::unique_ptr<NodeCache> nodes = NodeCache::Create().value();
  ArrayCore array(*nodes);
  ASSERT_TRUE(array.Store(63, ValueEntry(99)).ok());
  ThreadGroup threads;
  Interleaver interleaver;
  interleaver.Hold("store_order.siblings_stored");
  threads.Start("writer", [&] { EXPECT_TRUE(array.StoreOrder(32, 4, ValueEntry(1), TellNobody).ok()); });
  interleaver.AwaitHeld("store_order.siblings_stored");
  for (uint64_t index = 32; index < 48; ++index) {
    EXPECT_EQ(array.Load(index), kNull);
    EXPECT_EQ(array.GetOrder(index), std::nullopt);
  }
  {
    reclaim::ReadSection section;
    EXPECT_EQ(Cursor(array, 32).Next(62), kNull);
    EXPECT_EQ(Cursor(array, 40).Prev(1), kNull);
  }
  interleaver.Release("store_order.siblings_stored");
  threads.JoinAll();
  EXPECT_EQ(array.Load(47), ValueEntry(1));
}

// At every point of a split each index reads as before, and its order is one that it had before or has behind it.
TEST(OrdersSplitInterleaveTest, NoReaderSeesADifference) {
  std::unique_ptr<NodeCache> nodes = NodeCache::Create().value();
  ArrayCore array(*nodes);
  for (const bool toward : {false, true}) {
    for (const unsigned order : {7u, 6u, 3u, 0u}) {
      SCOPED_TRACE(testing::Message() << (toward ? "toward " : "to ") << order);
      ASSERT_TRUE(array.StoreOrder(0, 9, ValueEntry(1), TellNobody).ok());
      ThreadGroup threads;
      Interleaver interleaver;
      interleaver.Hold("split.piece");
      threads.Start("writer",
                    [&] { EXPECT_TRUE((toward ? array.SplitToward(200, order) : array.Split(200, order)).ok()); });
      interleaver.AwaitHeld("split.piece");
      for (uint64_t index = 0; index < 512; ++index) {
        ASSERT_EQ(array.Load(index), ValueEntry(1)) << index;
        ASSERT_TRUE(array.GetOrder(index).has_value()) << index;
        ASSERT_LE(array.GetOrder(index), 9u) << index;
        ASSERT_GE(array.GetOrder(index), order) << index;
      }
      interleaver.Release("split.piece");
      threads.JoinAll();
      EXPECT_EQ(array.GetOrder(200), order);
      array.Clear();
    }
  }
}

TEST(OrdersOfInterleaveTest, AnOrderIsOfTheEntryThatWasSeen) {
  std::unique_ptr<NodeCache> nodes = NodeCache::Create().value();
  ArrayCore array(*nodes);
  ASSERT_TRUE(array.Store(63, ValueEntry(99)).ok());
  for (const char* const point : {"get_order.entry_seen", "get_order.next_seen"}) {
    ASSERT_TRUE(array.Store(32, ValueEntry(1)).ok());
    ThreadGroup threads;
    Interleaver interleaver;
    interleaver.Hold(point);
    std::optional<unsigned> order;
    threads.Start("reader", [&] { order = array.GetOrder(32); });
    interleaver.AwaitHeld(point);
    array.Erase(32);
    ASSERT_TRUE(array.StoreOrder(32, 4, ValueEntry(2), TellNobody).ok());
    interleaver.Release(point);
    threads.JoinAll();
    EXPECT_EQ(order, 4u) << point;
    array.Erase(32);
  }
}

}  // namespace
}  // namespace mxa::xarray
