// SPDX-License-Identifier: Apache-2.0
//
// The checker lets every history pass that has an explanation, and none that has not: by histories written by hand, and
// against trying all orders on random ones.
#include "tests/support/register_history.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/random.h"

namespace mxa::tests {
namespace {

using Kind = RegisterCall::Kind;
using History = std::vector<RegisterCall>;

struct Time {
  uint64_t begin;
  uint64_t end;
};

RegisterCall Load(int thread, Time time, uint64_t result) {
  return {Kind::kLoad, thread, time.begin, time.end, 0, 0, result};
}
RegisterCall Store(int thread, Time time, uint64_t desired, uint64_t was) {
  return {Kind::kStore, thread, time.begin, time.end, 0, desired, was};
}
RegisterCall Insert(int thread, Time time, uint64_t desired, bool inserted) {
  return {Kind::kInsert, thread, time.begin, time.end, 0, desired, inserted ? uint64_t{1} : 0};
}
RegisterCall CompareExchange(int thread, Time time, uint64_t expected, uint64_t desired, uint64_t was) {
  return {Kind::kCompareExchange, thread, time.begin, time.end, expected, desired, was};
}
RegisterCall Erase(int thread, Time time, uint64_t was) {
  return {Kind::kErase, thread, time.begin, time.end, 0, 0, was};
}

void ExpectGood(uint64_t initial, const History& history) {
  EXPECT_EQ(CheckLinearizable(initial, history), absl::OkStatus());
}
void ExpectBad(uint64_t initial, const History& history) { EXPECT_FALSE(CheckLinearizable(initial, history).ok()); }

TEST(RegisterHistoryTest, NothingAndOneAfterTheOther) {
  ExpectGood(5, {});
  ExpectGood(0, {Store(1, {1, 2}, 7, 0), Load(1, {3, 4}, 7), CompareExchange(2, {5, 6}, 7, 8, 7), Load(1, {7, 8}, 8),
                 CompareExchange(1, {9, 10}, 7, 9, 8), Erase(2, {11, 12}, 8), Insert(1, {13, 14}, 3, true),
                 Insert(2, {15, 16}, 4, false), Load(2, {17, 18}, 3)});
}

TEST(RegisterHistoryTest, ACallTakesEffectAnywhereBetweenItsBeginningAndItsEnd) {
  // A long store that one load after the other may or may not have seen yet.
  ExpectGood(1, {Store(1, {1, 20}, 2, 1), Load(2, {2, 3}, 1), Load(2, {4, 5}, 1), Load(2, {6, 7}, 2)});
  ExpectGood(1, {Store(1, {1, 20}, 2, 1), Load(2, {2, 3}, 2), Load(3, {4, 25}, 2)});
  // The loads of two threads that overlap come in either order.
  ExpectGood(1, {Store(1, {1, 20}, 2, 1), Load(2, {2, 9}, 2), Load(3, {3, 8}, 1)});
}

TEST(RegisterHistoryTest, AnOrderThatMustBeSearchedFor) {
  // Three stores at once: by what each replaced, 3 came first, then 1, then 2.
  ExpectGood(9, {Store(1, {1, 10}, 1, 3), Store(2, {2, 11}, 2, 1), Store(3, {3, 12}, 3, 9), Load(1, {13, 14}, 2)});
  ExpectBad(9, {Store(1, {1, 10}, 1, 3), Store(2, {2, 11}, 2, 1), Store(3, {3, 12}, 3, 9), Load(1, {13, 14}, 3)});
}

TEST(RegisterHistoryTest, FindsAStaleRead) {
  ExpectBad(1, {Store(1, {1, 2}, 2, 1), Load(2, {3, 4}, 1)});
  // Seen once, a store cannot be unseen.
  ExpectBad(1, {Store(1, {1, 20}, 2, 1), Load(2, {2, 3}, 2), Load(3, {4, 5}, 1)});
}

TEST(RegisterHistoryTest, FindsAReadFromTheFuture) {
  ExpectBad(1, {Load(2, {1, 2}, 2), Store(1, {3, 4}, 2, 1)});
  ExpectBad(1, {Load(2, {1, 2}, 7)});
}

TEST(RegisterHistoryTest, FindsALostStore) {
  ExpectBad(1, {Store(1, {1, 4}, 2, 1), Store(2, {2, 5}, 3, 1), Load(1, {6, 7}, 3)});
  ExpectBad(0, {Store(1, {1, 2}, 2, 0), Load(1, {3, 4}, 0)});
}

TEST(RegisterHistoryTest, FindsAnInsertThatSucceededTwice) {
  ExpectBad(0, {Insert(1, {1, 10}, 5, true), Insert(2, {2, 11}, 6, true)});
  ExpectGood(0, {Insert(1, {1, 10}, 5, true), Erase(3, {3, 12}, 5), Insert(2, {2, 11}, 6, true)});
  ExpectBad(0, {Insert(1, {1, 10}, 5, false)});
}

TEST(RegisterHistoryTest, FindsAnEraseThatReturnedOneValueTwice) {
  ExpectBad(4, {Erase(1, {1, 10}, 4), Erase(2, {2, 11}, 4)});
  ExpectGood(4, {Erase(1, {1, 10}, 4), Erase(2, {2, 11}, 0)});
}

TEST(RegisterHistoryTest, FindsAnExchangeThatTookEffectAndSaidNo) {
  ExpectBad(1, {CompareExchange(1, {1, 2}, 5, 9, 1), Load(1, {3, 4}, 9)});
  ExpectBad(1, {CompareExchange(1, {1, 2}, 1, 9, 1), Load(1, {3, 4}, 1)});
  ExpectBad(1, {CompareExchange(1, {1, 5}, 1, 8, 1), CompareExchange(2, {2, 6}, 1, 9, 1)});
}

TEST(RegisterHistoryTest, SaysWhatItCouldNotExplain) {
  const absl::Status status = CheckLinearizable(1, History{Store(1, {1, 2}, 2, 1), Load(2, {3, 4}, 1)});
  EXPECT_EQ(status.message(),
            "no order explains more than 1 of these 2 calls on a register that held 1:\n"
            "thread 1, 1 to 2: Store(2) -> 1\n"
            "thread 2, 3 to 4: Load() -> 1\n");
}

TEST(RegisterHistoryTest, CountsWhatRanAtOnce) {
  EXPECT_EQ(CountOverlaps(History{Load(1, {1, 2}, 0), Load(2, {3, 4}, 0)}), 0u);
  EXPECT_EQ(CountOverlaps(History{Load(1, {1, 5}, 0), Load(2, {3, 4}, 0), Load(3, {2, 9}, 0)}), 3u);
}

// 63 calls at once that any order explains, and one that none does: nobody may wait for all orders to be tried.
TEST(RegisterHistoryTest, ManyCallsAtOnceTakeNoTime) {
  History history;
  for (uint64_t i = 0; i < kMostCalls - 1; ++i) history.push_back(Load(static_cast<int>(i), {i + 1, 100 + i}, 1));
  history.push_back(Load(99, {99, 300}, 2));
  ExpectBad(1, history);
}

// --- Against all orders.

bool Explains(uint64_t value, const History& history, const std::vector<size_t>& order) {
  for (size_t i = 0; i < order.size(); ++i) {
    const RegisterCall& call = history[order[i]];
    for (size_t later = i + 1; later < order.size(); ++later) {
      if (history[order[later]].end < call.begin) return false;
    }
    const uint64_t said = call.kind == Kind::kInsert ? (value == 0 ? 1 : 0) : value;
    if (said != call.result) return false;
    const bool changes = call.kind == Kind::kStore || (call.kind == Kind::kInsert && value == 0) ||
                         (call.kind == Kind::kCompareExchange && value == call.expected);
    if (changes) value = call.desired;
    if (call.kind == Kind::kErase) value = 0;
  }
  return true;
}

bool AnyOrderExplains(uint64_t initial, const History& history) {
  std::vector<size_t> order(history.size());
  std::iota(order.begin(), order.end(), size_t{0});
  do {
    if (Explains(initial, history, order)) return true;
  } while (std::next_permutation(order.begin(), order.end()));
  return false;
}

TEST(RegisterHistoryTest, AgreesWithTryingAllOrders) {
  Random random(TestSeed(1));
  int good = 0;
  constexpr int kHistories = 20000;
  for (int i = 0; i < kHistories; ++i) {
    std::vector<uint64_t> moments(2 * (1 + random.Below(5)));
    std::iota(moments.begin(), moments.end(), uint64_t{1});
    for (size_t at = moments.size(); at > 1; --at) std::swap(moments[at - 1], moments[random.Below(at)]);
    History history;
    for (size_t at = 0; at < moments.size(); at += 2) {
      const auto [begin, end] = std::minmax(moments[at], moments[at + 1]);
      const Kind kind = static_cast<Kind>(random.Below(5));
      const uint64_t desired = kind == Kind::kLoad || kind == Kind::kErase ? 0 : 1 + random.Below(2);
      const uint64_t result = random.Below(kind == Kind::kInsert ? 2 : 3);
      history.push_back({kind, static_cast<int>(at), begin, end, random.Below(3), desired, result});
    }
    const bool expected = AnyOrderExplains(0, history);
    good += expected ? 1 : 0;
    ASSERT_EQ(CheckLinearizable(0, history).ok(), expected) << CheckLinearizable(0, history);
  }
  EXPECT_GT(good, kHistories / 50);
  EXPECT_LT(good, kHistories - kHistories / 50);
}

}  // namespace
}  // namespace mxa::tests
