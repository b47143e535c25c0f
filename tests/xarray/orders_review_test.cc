// SPDX-License-Identifier: Apache-2.0
//
// What entries of several indices get wrong: each test names one finding.
#include <memory>
#include <optional>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/array_core_peer.h"
#include "tests/support/interleaver.h"
#include "tests/support/thread_group.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/detach.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

using tests::Interleaver;
using tests::ThreadGroup;

constexpr uint64_t kLast = ~uint64_t{0};
constexpr Entry ValueEntry(uint64_t value) { return value << 1 | 1; }
void TellNobody(uint64_t, Entry) {}

class OrdersReviewTest : public testing::Test {
 protected:
  ~OrdersReviewTest() override { EXPECT_EQ(CheckInvariants(array_), absl::OkStatus()); }
  void Tie(uint64_t index, unsigned order, uint64_t value) {
    ASSERT_TRUE(array_.StoreOrder(index, order, ValueEntry(value), TellNobody).ok());
  }
  void Store(uint64_t index, uint64_t value) { ASSERT_TRUE(array_.Store(index, ValueEntry(value)).ok()); }

  std::unique_ptr<NodeCache> nodes_ = NodeCache::Create().value();
  ArrayCore array_{*nodes_};
};

// An entry above the leaves is met although it carries a mark that the filter bars.
TEST_F(OrdersReviewTest, AFilterBarsMarksOfEntriesAboveTheLeaves) {
  Store(5, 1);
  for (const unsigned order : {3u, 6u, 8u}) {
    SCOPED_TRACE(order);
    Tie(1 << order << 1, order, 2);
    ASSERT_TRUE(array_.SetMark(1 << order << 1, Mark::k0));
  }
  reclaim::ReadSection section;
  Cursor up(array_, 0);
  EXPECT_EQ(up.NextMatching(MarkFilter().Without(Mark::k0), kLast), ValueEntry(1));
  EXPECT_EQ(up.NextMatching(MarkFilter().Without(Mark::k0), kLast), kNull) << up.index();
  Cursor down(array_, kLast);
  EXPECT_EQ(down.PrevMatching(MarkFilter().Without(Mark::k0), 0), ValueEntry(1)) << down.index();
}

// index() lies inside an entry that this cursor has not met.
TEST_F(OrdersReviewTest, ATurnDoesNotTakeAnEntryForMet) {
  for (const unsigned order : {4u, 6u, 8u}) {
    SCOPED_TRACE(order);
    const uint64_t first = uint64_t{1} << order;
    Tie(first, order, 1);
    Store(5000, 9);
    reclaim::ReadSection section;
    Cursor filtered(array_, first + 8);
    EXPECT_EQ(filtered.PrevMarked(Mark::k0, 0), kNull);
    EXPECT_EQ(filtered.Next(kLast), ValueEntry(1)) << filtered.index();
    Cursor bounded(array_, first + 8);
    EXPECT_EQ(bounded.Prev(first + 9), kNull);
    EXPECT_EQ(bounded.Next(kLast), ValueEntry(1)) << bounded.index();
    array_.Clear();
    Store(5000, 9);
    Cursor stepped(array_, first + 8);
    EXPECT_EQ(stepped.NextIndex(), kNull);
    Tie(first, order, 1);
    EXPECT_EQ(stepped.Next(kLast), ValueEntry(1)) << stepped.index();
    array_.Clear();
  }
}

// Detach of a moved node has come to the entry's own slot, not yet to the siblings.
TEST_F(OrdersReviewTest, AWalkRestartsWhereTheFirstSlotSaysRetry) {
  Store(63, 9);
  Tie(32, 4, 1);
  for (const bool up : {true, false}) {
    SCOPED_TRACE(up);
    ThreadGroup threads;
    Interleaver interleaver;
    interleaver.Hold("node.sibling_seen");
    Entry met = kRetry;
    uint64_t at = 0;
    threads.Start("reader", [&] {
      reclaim::ReadSection section;
      Cursor cursor(array_, up ? 40 : 47);
      met = up ? cursor.Next(47) : cursor.Prev(40);
      at = cursor.index();
    });
    interleaver.AwaitHeld("node.sibling_seen");
    ArrayAnchor* anchor = const_cast<ArrayAnchor*>(&array_.anchor());
    Node* const old = ArrayCorePeer::NodeAt(array_, 0, 1);
    Node* const copy = nodes_->Allocate(slab::AllocFlags::kNone);
    ASSERT_NE(copy, nullptr);
    copy->JoinAsCopyOf(*old, anchor);
    ArrayCorePeer::SetHead(array_, NodeEntry(copy, 1));
    for (unsigned offset = 0; offset <= 32; ++offset) old->StoreRetry(offset);
    interleaver.Release("node.sibling_seen");
    threads.JoinAll();
    EXPECT_EQ(met, ValueEntry(1));
    EXPECT_EQ(at, 40u);
    ArrayLock lock(*anchor);
    Detach(old);
    nodes_->Retire(old);
  }
}

// The slots of a leaf say retry, its owner does not yet: siblings cannot be told any more.
TEST_F(OrdersReviewTest, CountsAnEntryOnceWhileItsLeafIsDetached) {
  Tie(0, 4, 1);
  Tie(32, 4, 1);
  Store(48, 2);
  ASSERT_TRUE(array_.SetMark(0, Mark::k0));
  ASSERT_TRUE(array_.SetMark(32, Mark::k0));
  ThreadGroup threads;
  Interleaver interleaver;
  interleaver.Hold("detach.before_owner");
  std::optional<reclaim::ReadSection> section(std::in_place);
  Cursor cursor(array_, 0);
  uint64_t count = 0;
  ASSERT_EQ(cursor.NextMarked(Mark::k0, kLast), ValueEntry(1));
  ++count;
  threads.Start("writer", [&] { Tie(48, 1, 3); });  // a changed copy of the leaf takes its place
  interleaver.AwaitHeld("detach.before_owner");
  count += cursor.PassMarkedOfLeaf(Mark::k0, kLast);
  while (cursor.NextMarked(Mark::k0, kLast) != kNull) ++count;
  EXPECT_EQ(count, 2u);
  section.reset();
  interleaver.Release("detach.before_owner");
  threads.JoinAll();
}

// A mark of another piece is not that of the entry that was seen.
TEST_F(OrdersReviewTest, AMarkIsOfTheIndexAsked) {
  Store(0, 9);
  Tie(64, 6, 1);
  ThreadGroup threads;
  Interleaver interleaver;
  interleaver.Hold("get_mark.slot_seen");
  bool marked = true;
  threads.Start("reader", [&] { marked = array_.GetMark(100, Mark::k0); });
  interleaver.AwaitHeld("get_mark.slot_seen");
  EXPECT_TRUE(array_.Split(64, 0).ok());
  EXPECT_TRUE(array_.SetMark(101, Mark::k0));
  interleaver.Release("get_mark.slot_seen");
  threads.JoinAll();
  EXPECT_FALSE(marked) << "index 100 never carried the mark";
}

// A cursor goes up from a child into the changed copy before a load can find that.
TEST_F(OrdersReviewTest, NothingIsMetBeforeItCanBeLoaded) {
  Store(62, 9);
  Store(130, 8);
  ThreadGroup threads;
  Interleaver interleaver;
  interleaver.Hold("store_order.copied");
  std::optional<reclaim::ReadSection> section(std::in_place);
  Cursor walk(array_, 62);
  ASSERT_EQ(walk.Next(kLast), ValueEntry(9));
  Cursor step(array_, 63);
  ASSERT_EQ(step.NextIndex(), kNull);
  threads.Start("writer", [&] { Tie(128, 7, 3); });
  interleaver.AwaitHeld("store_order.copied");
  const Entry met = walk.Next(kLast);
  EXPECT_EQ(met, array_.Load(walk.index())) << walk.index();
  for (uint64_t index = 64; index <= 128; ++index) {
    EXPECT_EQ(step.NextIndex(), array_.Load(index)) << index;
  }
  section.reset();
  interleaver.Release("store_order.copied");
  threads.JoinAll();
}

// Reload says what is there now, whatever node the cursor stands in.
TEST_F(OrdersReviewTest, ReloadsWhatIsThereNow) {
  Store(63, 9);
  Tie(32, 4, 1);
  ThreadGroup threads;
  Interleaver interleaver;
  interleaver.Hold("store_order.published");
  std::optional<reclaim::ReadSection> section(std::in_place);
  Cursor cursor(array_, 32);
  ASSERT_EQ(cursor.NextIndex(), ValueEntry(1));
  threads.Start("writer", [&] { Tie(32, 5, 2); });
  interleaver.AwaitHeld("store_order.published");
  EXPECT_EQ(array_.Load(32), ValueEntry(2));
  EXPECT_EQ(cursor.Reload(), ValueEntry(2)) << "stale";
  section.reset();
  interleaver.Release("store_order.published");
  threads.JoinAll();
}

}  // namespace
}  // namespace mxa::xarray
