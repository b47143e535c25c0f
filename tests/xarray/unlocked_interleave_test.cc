// SPDX-License-Identifier: Apache-2.0
//
// Writers that have dropped the lock to get memory, or to let others in, find another tree when they have it again.
//
// Each operation is stopped where it has dropped the lock, and each change is made meanwhile: what comes of it is what the
// change and then the operation make of the same array. Every operation is among the changes as well, so that each two
// meet in both orders.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "tests/support/interleaver.h"
#include "tests/support/thread_group.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr uint64_t kLast = ~uint64_t{0};
constexpr uint64_t kFar = uint64_t{1} << 40;
constexpr Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

// What an operation tells of and what it returns.
struct Outcome {
  absl::StatusCode code = absl::StatusCode::kOk;
  uint64_t value = 0;
  std::vector<std::pair<uint64_t, Entry>> told;

  auto Tell() {
    return [this](uint64_t index, Entry entry) { told.emplace_back(index, entry); };
  }
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

struct Operation {
  const char* name;
  const char* point;  // where it stops, if there is no memory at hand; null: nowhere
  std::function<void(ArrayCore&, Outcome&)> run;
};

template <typename Result>
void Take(const Result& result, Outcome& outcome) {
  outcome.code = result.status().code();
  if (result.ok()) outcome.value = *result;
}

Operation StoreOrder(const char* name, uint64_t index, unsigned order) {
  return {name, "store_order.unlocked_fill", [=](ArrayCore& array, Outcome& outcome) {
            outcome.code = array.StoreOrder(index, order, ValueEntry(100 + order), outcome.Tell()).code();
          }};
}

// On the array that Fill makes; each needs nodes there.
std::vector<Operation> Stopped() {
  return {
      {"Store", "store.unlocked_fill", [](ArrayCore& a, Outcome& o) { Take(a.Store(2000, ValueEntry(9)), o); }},
      {"StoreFar", "store.unlocked_fill", [](ArrayCore& a, Outcome& o) { Take(a.Store(kFar, ValueEntry(9)), o); }},
      {"Insert", "store.unlocked_fill",
       [](ArrayCore& a, Outcome& o) { o.code = a.Insert(kFar + 1, ValueEntry(9)).code(); }},
      {"StoreMany", "store_many.unlocked_fill",
       [](ArrayCore& a, Outcome& o) {
         const std::vector<uint64_t> indices = {2001, 70'000, kFar + 2};
         o.code = a.StoreMany(
                       indices, [](size_t) { return ValueEntry(8); }, o.Tell())
                      .code();
       }},
      {"Allocate", "allocate.unlocked_fill",
       [](ArrayCore& a, Outcome& o) {
         Take(a.Allocate(ValueEntry(9), {2000, 5000}), o);
       }},
      StoreOrder("StoreOrderThatGrows", kFar + 128, 7),
      StoreOrder("StoreOrderOnANewPath", 8200, 3),
      StoreOrder("StoreOrderForSeveral", 0, 3),
      StoreOrder("StoreOrderForSeveralNodes", 0, 8),
      StoreOrder("StoreOrderInsideALarger", 70'000, 2),
      StoreOrder("StoreOrderForTheTree", 0, 50),
      {"InsertOrder", "store_order.unlocked_fill",
       [](ArrayCore& a, Outcome& o) { o.code = a.InsertOrder(kFar, 8, ValueEntry(9)).code(); }},
      {"StoreRange", "store_range.unlocked_fill",
       [](ArrayCore& a, Outcome& o) { o.code = a.StoreRange(3, 70'001, ValueEntry(7), o.Tell()).code(); }},
      {"EraseRange", "erase_range.unlocked",
       [](ArrayCore& a, Outcome& o) { o.code = a.EraseRange(66'001, 90'001, o.Tell()).code(); }},
      {"Split", "split.unlocked_fill", [](ArrayCore& a, Outcome& o) { o.code = a.Split(70'000, 8).code(); }},
      {"SplitToward", "split.unlocked_fill",
       [](ArrayCore& a, Outcome& o) { o.code = a.SplitToward(70'000, 0).code(); }},
  };
}

// Those, and what needs no memory or is done to what they are about to change.
std::vector<Operation> Changes() {
  std::vector<Operation> changes = Stopped();
  const std::vector<Operation> more = {
      {"Erase", nullptr, [](ArrayCore& a, Outcome& o) { o.value = a.Erase(70'000); }},
      {"EraseTheTop", nullptr,
       [](ArrayCore& a, Outcome& o) { o.code = a.EraseRange(uint64_t{1} << 20, kLast, o.Tell()).code(); }},
      {"EraseAll", nullptr, [](ArrayCore& a, Outcome& o) { o.code = a.EraseRange(0, kLast, o.Tell()).code(); }},
      {"Clear", nullptr, [](ArrayCore& a, Outcome&) { a.Clear(); }},
      {"Overwrite", nullptr, [](ArrayCore& a, Outcome& o) { Take(a.Store(70'000, ValueEntry(6)), o); }},
      {"SetMark", nullptr, [](ArrayCore& a, Outcome& o) { o.value = a.SetMark(70'000, Mark::k2); }},
      {"Reserve", nullptr, [](ArrayCore& a, Outcome& o) { o.code = a.Reserve(kFar + 3).code(); }},
      {"FillSeveral", nullptr, [](ArrayCore& a, Outcome& o) { Take(a.Store(2, ValueEntry(6)), o); }},
      {"SplitFurther", nullptr, [](ArrayCore& a, Outcome& o) { o.code = a.Split(70'000, 3).code(); }},
      {"AWiderOne", nullptr,
       [](ArrayCore& a, Outcome& o) { o.code = a.StoreOrder(65'536, 20, ValueEntry(5), o.Tell()).code(); }},
  };
  changes.insert(changes.end(), more.begin(), more.end());
  return changes;
}

using Content = std::vector<std::tuple<uint64_t, Entry, unsigned, unsigned>>;

Content ContentOf(const ArrayCore& array) {
  EXPECT_EQ(CheckInvariants(array), absl::OkStatus());
  Content content;
  const reclaim::ReadSection section;
  Cursor cursor(array, 0);
  while (const Entry entry = cursor.Next(kLast)) {
    unsigned marks = 0;
    for (const Mark mark : kAllMarks) {
      marks |= unsigned{array.GetMark(cursor.index(), mark)} << static_cast<unsigned>(mark);
    }
    content.emplace_back(cursor.index(), entry, array.GetOrder(cursor.index()).value(), marks);
  }
  return content;
}

void Fill(ArrayCore& array) {
  for (const uint64_t index : {1u, 5u, 300u}) ASSERT_TRUE(array.Store(index, ValueEntry(index)).ok());
  ASSERT_TRUE(array.Store(uint64_t{1} << 30, ValueEntry(7)).ok());
  ASSERT_TRUE(array.StoreOrder(65'536, 16, ValueEntry(2), [](uint64_t, Entry) {}).ok());
  ASSERT_TRUE(array.SetMark(70'000, Mark::k1));
  ASSERT_TRUE(array.SetMark(5, Mark::k0));
}

class UnlockedTest : public testing::Test {
 protected:
  UnlockedTest() {
    slab::ArenaOptions options;
    options.reserve_bytes = options.min_reserve_bytes = slab::kRegionSize;
    arena_ = slab::Arena::Create(options).value();
    nodes_ = NodeCache::Create(arena_.get()).value();
  }

  // `operation` on what `fill` makes, with `change` where it stops; compared with one after the other.
  void ExpectBehind(const std::function<void(ArrayCore&)>& fill, const Operation& operation, const Operation& change) {
    SCOPED_TRACE(change.name);
    ArrayCore expected(*nodes_);
    fill(expected);
    Outcome change_expected, outcome_expected;
    change.run(expected, change_expected);
    operation.run(expected, outcome_expected);

    ArrayCore array(*nodes_);
    fill(array);
    Outcome changed, outcome;
    TakeAllNodes();
    {
      tests::ThreadGroup threads;
      tests::Interleaver interleaver;
      interleaver.Hold(operation.point);
      threads.Start("stopped", [&] { operation.run(array, outcome); });
      interleaver.AwaitHeld(operation.point);
      GiveAllBack();
      change.run(array, changed);
      interleaver.Release(operation.point);
      threads.JoinAll();
    }
    EXPECT_EQ(changed, change_expected) << "nothing of the operation is done yet";
    EXPECT_EQ(outcome, outcome_expected);
    EXPECT_EQ(ContentOf(array), ContentOf(expected));
  }

 private:
  // So that what needs a node stops.
  void TakeAllNodes() {
    nodes_->slabs().FreeRcuBarrier();
    while (Node* node = nodes_->Allocate(slab::AllocFlags::kNone)) taken_.push_back(node);
  }
  void GiveAllBack() {
    for (Node* node : taken_) nodes_->Free(node);
    taken_.clear();
  }

  std::unique_ptr<slab::Arena> arena_;
  std::unique_ptr<NodeCache> nodes_;
  std::vector<Node*> taken_;
};

class UnlockedInterleaveTest : public UnlockedTest, public testing::WithParamInterface<Operation> {};

INSTANTIATE_TEST_SUITE_P(Operations, UnlockedInterleaveTest, testing::ValuesIn(Stopped()),
                         [](const testing::TestParamInfo<Operation>& info) { return std::string(info.param.name); });

TEST_P(UnlockedInterleaveTest, ComesBehindWhatHappensMeanwhile) {
  for (const Operation& change : Changes()) ExpectBehind(&Fill, GetParam(), change);
}

// It sets aside more than it takes in most trees; here it has to count anew.
TEST_F(UnlockedTest, ARangeMeetsAnEntryThatTakesMoreNodesToCut) {
  const Operation store_range = {"StoreRange", "store_range.unlocked_fill", [](ArrayCore& a, Outcome& o) {
                                   o.code = a.StoreRange(1, 1, ValueEntry(7), o.Tell()).code();
                                 }};
  const auto fill = [](ArrayCore& array) { EXPECT_TRUE(array.Store(5, ValueEntry(5)).ok()); };
  ExpectBehind(fill, store_range, StoreOrder("AVeryWideOne", 0, 62));
}

// EraseRange lets others in after each 64 entries.
class EraseRangeUnlockedTest : public testing::Test {
 protected:
  EraseRangeUnlockedTest() : nodes_(NodeCache::Create().value()), array_(*nodes_) {
    for (uint64_t index = 0; index < 400; index += 2) EXPECT_TRUE(array_.Store(index, ValueEntry(index)).ok());
  }

  // Erases 10..299 and makes `change` when 10, 12, ..., 136 are gone.
  void EraseAndChange(const std::function<void()>& change) {
    tests::ThreadGroup threads;
    tests::Interleaver interleaver;
    interleaver.Hold("erase_range.unlocked");
    threads.Start("eraser", [this] {
      EXPECT_TRUE(array_.EraseRange(10, 299, [this](uint64_t index, Entry) { told_.push_back(index); }).ok());
    });
    interleaver.AwaitHeld("erase_range.unlocked");
    EXPECT_EQ(told_.size(), 64u);
    EXPECT_EQ(array_.Load(136), kNull);
    EXPECT_EQ(array_.Load(138), ValueEntry(138));
    change();
    interleaver.Release("erase_range.unlocked");
    threads.JoinAll();
    EXPECT_EQ(CheckInvariants(array_), absl::OkStatus());
  }
  void Tie(uint64_t index, unsigned order) {
    EXPECT_TRUE(array_.StoreOrder(index, order, ValueEntry(1000), [](uint64_t, Entry) {}).ok());
  }
  // What is left between the ends of the range, with its orders.
  std::vector<std::pair<uint64_t, unsigned>> Left() {
    std::vector<std::pair<uint64_t, unsigned>> left;
    const reclaim::ReadSection section;
    Cursor cursor(array_, 10);
    while (cursor.Next(299) != kNull) left.emplace_back(cursor.index(), array_.GetOrder(cursor.index()).value());
    return left;
  }

  std::unique_ptr<NodeCache> nodes_;
  ArrayCore array_;
  std::vector<uint64_t> told_;
};

TEST_F(EraseRangeUnlockedTest, WhatIsStoredAheadOfItGoes) {
  EraseAndChange([this] {
    EXPECT_TRUE(array_.Store(139, ValueEntry(9)).ok());
    Tie(144, 3);
  });
  EXPECT_THAT(Left(), ElementsAre());
  EXPECT_EQ(told_.size(), 64 + (300 - 138) / 2 + 1 - 4 + 1);  // four gave way to one
  EXPECT_EQ(array_.Load(8), ValueEntry(8));
  EXPECT_EQ(array_.Load(300), ValueEntry(300));
}

TEST_F(EraseRangeUnlockedTest, WhatIsStoredBehindItStays) {
  EraseAndChange([this] {
    EXPECT_TRUE(array_.Store(11, ValueEntry(9)).ok());
    Tie(16, 4);
  });
  EXPECT_THAT(Left(), ElementsAre(Pair(11, 0), Pair(16, 4)));
}

// It is not what the call found, and no call that came before it can have been told to split it.
TEST_F(EraseRangeUnlockedTest, WhatIsStoredAcrossItsPlaceStaysWhole) {
  EraseAndChange([this] { Tie(128, 4); });  // 128..143
  EXPECT_THAT(Left(), ElementsAre(Pair(128, 4)));
}

TEST_F(EraseRangeUnlockedTest, WhatIsStoredAcrossTheEndStaysWhole) {
  EraseAndChange([this] { Tie(296, 3); });  // 296..303
  EXPECT_THAT(Left(), ElementsAre(Pair(296, 3)));
  EXPECT_EQ(array_.GetOrder(303), 3u);
}

TEST_F(EraseRangeUnlockedTest, GoesOnInAnotherTree) {
  EraseAndChange([this] {
    array_.Clear();
    EXPECT_TRUE(array_.Store(200, ValueEntry(9)).ok());
    EXPECT_TRUE(array_.Store(kFar, ValueEntry(9)).ok());
  });
  EXPECT_THAT(Left(), ElementsAre());
  EXPECT_EQ(told_.size(), 65u);
  EXPECT_EQ(array_.Load(kFar), ValueEntry(9));
  EXPECT_EQ(array_.Load(0), kNull);
}

TEST_F(EraseRangeUnlockedTest, EndsWhenNothingIsLeft) {
  EraseAndChange([this] { array_.Clear(); });
  EXPECT_EQ(told_.size(), 64u);
  EXPECT_TRUE(array_.empty());
}

}  // namespace
}  // namespace mxa::xarray
