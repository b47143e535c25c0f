// SPDX-License-Identifier: Apache-2.0
//
// Reserved indices and allocated IDs, one operation at a time: at the edges of the index space, and where Linux's array
// has surprised its users.
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/array_core_peer.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/dump.h"
#include "xarray/node_cache.h"
#include "xarray/xarray.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

constexpr uint64_t kLast = ~uint64_t{0};
constexpr uint64_t kEdges[] = {0, 1, 63, 64, 4095, 4096, uint64_t{1} << 32, uint64_t{1} << 60, kLast - 1, kLast};

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

class ArrayIdsTest : public testing::Test {
 protected:
  ~ArrayIdsTest() override { EXPECT_EQ(CheckInvariants(array_), absl::OkStatus()) << Dump(array_); }

  std::unique_ptr<NodeCache> nodes_ = NodeCache::Create().value();
  ArrayCore array_{*nodes_};
};

TEST_F(ArrayIdsTest, AReservedIndexReadsAsNullButIsInUse) {
  for (const uint64_t index : kEdges) {
    ASSERT_EQ(array_.Reserve(index), absl::OkStatus());
    EXPECT_FALSE(array_.empty());
    EXPECT_EQ(array_.Load(index), kNull);
    EXPECT_EQ(array_.Insert(index, ValueEntry(1)).code(), absl::StatusCode::kAlreadyExists);
    EXPECT_EQ(array_.Insert(index, kNull).code(), absl::StatusCode::kAlreadyExists);
    EXPECT_FALSE(array_.SetMark(index, Mark::k0));
    EXPECT_FALSE(array_.GetMark(index, Mark::k0));
    reclaim::ReadSection section;
    EXPECT_EQ(Cursor(array_, 0).Next(kLast), kNull);
    EXPECT_EQ(Cursor(array_, 0).NextMarked(Mark::k0, kLast), kNull);
  }
  ASSERT_EQ(CheckInvariants(array_), absl::OkStatus()) << Dump(array_);
  for (const uint64_t index : kEdges) {
    EXPECT_TRUE(array_.Release(index));
    EXPECT_FALSE(array_.Release(index));
    ASSERT_EQ(CheckInvariants(array_), absl::OkStatus()) << Dump(array_);
  }
  EXPECT_TRUE(array_.empty());
}

TEST_F(ArrayIdsTest, ReserveAndReleaseLeaveAnEntryAlone) {
  ASSERT_TRUE(array_.Store(5, ValueEntry(1)).ok());
  EXPECT_EQ(array_.Reserve(5), absl::OkStatus());
  EXPECT_EQ(array_.Load(5), ValueEntry(1));
  EXPECT_FALSE(array_.Release(5));
  EXPECT_EQ(array_.Load(5), ValueEntry(1));
}

TEST_F(ArrayIdsTest, StoringTurnsAReservationIntoAnEntry) {
  for (const uint64_t index : kEdges) {
    ASSERT_EQ(array_.Reserve(index), absl::OkStatus());
    const size_t live = nodes_->slabs().Stats().live;
    EXPECT_EQ(array_.Store(index, ValueEntry(2)).value(), kNull);
    EXPECT_EQ(nodes_->slabs().Stats().live, live);
    EXPECT_EQ(array_.Load(index), ValueEntry(2));
    EXPECT_FALSE(array_.Release(index));
  }
}

TEST_F(ArrayIdsTest, EraseAndStoringNullEndAReservation) {
  ASSERT_EQ(array_.Reserve(3), absl::OkStatus());
  ASSERT_EQ(array_.Reserve(100), absl::OkStatus());
  EXPECT_EQ(array_.Erase(3), kNull);
  EXPECT_EQ(array_.Store(100, kNull).value(), kNull);
  EXPECT_TRUE(array_.empty());
}

TEST_F(ArrayIdsTest, InsertingNullReserves) {
  EXPECT_EQ(array_.Insert(7, kNull), absl::OkStatus());
  EXPECT_FALSE(array_.empty());
  EXPECT_TRUE(array_.Release(7));
}

// Linux's compare-exchange sees the reservation but returns null for it: a caller that expected null takes that for
// success, and has stored nothing.
TEST_F(ArrayIdsTest, CompareExchangeDoesNotReportASuccessItDidNotHave) {
  for (const uint64_t index : {uint64_t{0}, uint64_t{70}}) {
    ASSERT_EQ(array_.Reserve(index), absl::OkStatus());
    EXPECT_EQ(array_.CompareExchange(index, ValueEntry(1), ValueEntry(2)).value(), kNull);
    EXPECT_EQ(array_.Load(index), kNull);
    EXPECT_EQ(array_.CompareExchange(index, kNull, ValueEntry(3)).value(), kNull);
    EXPECT_EQ(array_.Load(index), ValueEntry(3));
  }
}

TEST_F(ArrayIdsTest, AllocatesTheLowestFreeIndexOfTheLimit) {
  for (uint64_t id = 0; id < 5000; ++id) ASSERT_EQ(array_.Allocate(ValueEntry(id)).value(), id);
  ASSERT_EQ(CheckInvariants(array_), absl::OkStatus());
  EXPECT_EQ(array_.Allocate(kNull, {10, 4999}).status().code(), absl::StatusCode::kOutOfRange);
  for (const uint64_t freed : {uint64_t{4097}, uint64_t{4095}, uint64_t{64}, uint64_t{63}, uint64_t{0}}) {
    array_.Erase(freed);
    EXPECT_EQ(array_.Allocate(kNull, {freed + 1, 4999}).status().code(), absl::StatusCode::kOutOfRange) << freed;
    EXPECT_EQ(array_.Allocate(kNull, {0, 4999}).value(), freed);
  }
}

TEST_F(ArrayIdsTest, AllocatesAtEveryLimitUpToTheLastIndex) {
  for (const uint64_t index : kEdges) {
    EXPECT_EQ(array_.Allocate(ValueEntry(1), {index, index}).value(), index);
    EXPECT_EQ(array_.Allocate(ValueEntry(1), {index, index}).status().code(), absl::StatusCode::kOutOfRange);
    ASSERT_EQ(CheckInvariants(array_), absl::OkStatus()) << Dump(array_);
  }
  EXPECT_EQ(array_.Allocate(kNull, {kLast - 1, kLast}).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(array_.Allocate(kNull, {kLast - 2, kLast}).value(), kLast - 2);
  EXPECT_EQ(array_.Allocate(kNull, {5, 4}).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(array_.Allocate(kNull).value(), 2u);
}

// The top node of a tree of the full height has 16 slots that lead anywhere.
TEST_F(ArrayIdsTest, TheEndOfAFullHeightTreeIsTheEnd) {
  for (uint64_t back = 0; back < 130; ++back)
    ASSERT_EQ(array_.Allocate(kNull, {kLast - back, kLast}).value(), kLast - back);
  EXPECT_EQ(array_.Allocate(kNull, {kLast - 129, kLast}).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(array_.Erase(kLast), kNull);
  EXPECT_EQ(array_.Allocate(kNull, {kLast - 129, kLast}).value(), kLast);
}

// As if 2^60 entries were there: the search must not go on into the slots that lead nowhere.
TEST_F(ArrayIdsTest, NothingIsFreeBehindTheLastSlotOfAFullHeightTree) {
  ASSERT_EQ(array_.Reserve(kLast), absl::OkStatus());
  Node* top = ArrayCorePeer::NodeAt(array_, kLast, kMaxHeight);
  top->SetFullLocked(SlotBits(OffsetAt(kLast, kMaxHeight), 1));
  EXPECT_EQ(array_.Allocate(kNull, {kLast - 64, kLast}).status().code(), absl::StatusCode::kOutOfRange);
  top->ClearFullLocked(SlotBits(OffsetAt(kLast, kMaxHeight), 1));
}

TEST_F(ArrayIdsTest, AFullTreeStaysFullWhenItIsLiftedAndWhenItBecomesTheTreeAgain) {
  for (uint64_t id = 0; id < 4096; ++id) ASSERT_EQ(array_.Allocate(kNull).value(), id);
  ASSERT_TRUE(array_.Store(uint64_t{1} << 30, ValueEntry(1)).ok());
  ASSERT_EQ(CheckInvariants(array_), absl::OkStatus());
  EXPECT_EQ(array_.Allocate(kNull, {0, 4095}).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(array_.Allocate(kNull).value(), 4096u);
  array_.Erase(4096);
  array_.Erase(uint64_t{1} << 30);
  ASSERT_EQ(ArrayCorePeer::Height(array_), 2u);
  EXPECT_EQ(array_.Allocate(kNull, {0, 4095}).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_TRUE(array_.Release(100));
  EXPECT_EQ(array_.Allocate(kNull).value(), 100u);
}

TEST_F(ArrayIdsTest, AllocatingKeepsAllThreeMarksFree) {
  for (uint64_t id = 0; id < 100; ++id) {
    ASSERT_EQ(array_.Allocate(ValueEntry(id)).value(), id);
    for (Mark mark : kAllMarks) ASSERT_FALSE(array_.GetMark(id, mark));
    ASSERT_TRUE(array_.SetMark(id, kAllMarks[id % 3]));
  }
  for (uint64_t id = 0; id < 100; ++id) {
    array_.Erase(id);
    ASSERT_EQ(array_.Allocate(ValueEntry(id)).value(), id);
    for (Mark mark : kAllMarks) ASSERT_FALSE(array_.GetMark(id, mark));
  }
  for (Mark mark : kAllMarks) EXPECT_FALSE(array_.HasMarked(mark));
}

// Linux's cyclic allocation returned 1 when it went round, which callers took for an error.
TEST_F(ArrayIdsTest, GoingRoundIsNoError) {
  CyclicState state;
  const IdLimit limit = {10, 12};
  for (uint64_t id = 10; id <= 12; ++id) {
    const auto got = array_.AllocateCyclic(kNull, limit, state);
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(got->id, id);
    EXPECT_FALSE(got->wrapped);
    array_.Erase(id);
  }
  const auto round = array_.AllocateCyclic(kNull, limit, state);
  ASSERT_TRUE(round.ok());
  EXPECT_EQ(round->id, 10u);
  EXPECT_TRUE(round->wrapped);
  const auto next = array_.AllocateCyclic(kNull, limit, state);
  EXPECT_EQ(next->id, 11u);
  EXPECT_FALSE(next->wrapped);
  EXPECT_EQ(array_.AllocateCyclic(kNull, limit, state)->id, 12u);
  EXPECT_EQ(array_.AllocateCyclic(kNull, limit, state).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(state.next, 13u) << "changed by a failure";
}

TEST_F(ArrayIdsTest, GoesRoundBehindTheLastIndex) {
  CyclicState state;
  state.next = kLast;
  EXPECT_EQ(array_.AllocateCyclic(kNull, {}, state)->id, kLast);
  array_.Erase(kLast);
  const auto round = array_.AllocateCyclic(kNull, {}, state);
  EXPECT_EQ(round->id, 0u);
  EXPECT_TRUE(round->wrapped);
  EXPECT_FALSE(array_.AllocateCyclic(kNull, {}, state)->wrapped);
}

TEST_F(ArrayIdsTest, TheInvariantCheckFindsAWrongFullBit) {
  for (uint64_t id = 0; id < 65; ++id) ASSERT_TRUE(array_.Allocate(kNull).ok());
  for (unsigned height = 1; height <= 2; ++height) {
    Node* node = ArrayCorePeer::NodeAt(array_, 0, height);
    node->ClearFullLocked(1);
    EXPECT_NE(std::string(CheckInvariants(array_).message()).find("X8"), std::string::npos);
    node->SetFullLocked(1);
    Node* other = ArrayCorePeer::NodeAt(array_, 64, height);
    other->SetFullLocked(1 << 5);
    EXPECT_NE(std::string(CheckInvariants(array_).message()).find("X8"), std::string::npos);
    other->ClearFullLocked(1 << 5);
  }
}

struct Session {
  uint64_t id = ~uint64_t{0};
};

TEST(XArrayIdsTest, AnElementKnowsItsIdWhenItCanBeFound) {
  std::unique_ptr<NodeCache> nodes = NodeCache::Create().value();
  XArray<Session> sessions(*nodes);
  Session first;
  Session second;
  EXPECT_EQ(sessions.Allocate(&first, {.min = 1}, &first.id).value(), 1u);
  CyclicState state;
  EXPECT_EQ(sessions.AllocateCyclic(&second, {.min = 1}, state, &second.id)->id, 2u);
  EXPECT_EQ(first.id, 1u);
  EXPECT_EQ(second.id, 2u);
  Session refused;
  EXPECT_FALSE(sessions.Allocate(&refused, {1, 2}, &refused.id).ok());
  EXPECT_EQ(refused.id, ~uint64_t{0});
  EXPECT_EQ(sessions.Reserve(9), absl::OkStatus());
  EXPECT_EQ(sessions.Load(9), nullptr);
  EXPECT_TRUE(sessions.Release(9));
}

TEST(ArrayIdsDeathTest, RefusesWhatOnlyTheArrayMayStore) {
  std::unique_ptr<NodeCache> nodes = NodeCache::Create().value();
  ArrayCore array(*nodes);
  EXPECT_DEATH(static_cast<void>(array.Allocate(kZero)), "not an entry a user may store");
  EXPECT_DEATH(static_cast<void>(array.Insert(1, kRetry)), "not an entry a user may store");
}

}  // namespace
}  // namespace mxa::xarray
