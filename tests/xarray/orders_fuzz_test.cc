// SPDX-License-Identifier: Apache-2.0
//
// Cursors with filters, bounds and turns, IDs and many stores among entries of several indices, against a map.
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/id_shapes.h"
#include "tests/support/order_oracle.h"
#include "tests/support/random.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

using tests::IdShape;
using tests::OrderOracle;
using tests::PickId;
using tests::Random;

constexpr uint64_t kLast = ~uint64_t{0};
constexpr Entry ValueEntry(uint64_t value) { return value << 1 | 1; }
void TellNobody(uint64_t, Entry) {}

class Fuzz {
 public:
  Fuzz(uint64_t seed, IdShape shape, NodeCache& nodes) : shape_(shape), random_(seed), array_(nodes) {}

  void Step() {
    const uint64_t index = Pick();
    const Entry entry = ValueEntry(random_.Below(1000));
    const unsigned order =
        random_.OneIn(40) ? static_cast<unsigned>(random_.Below(64)) : static_cast<unsigned>(random_.Below(14));
    switch (random_.Below(9)) {
      case 0: {
        std::set<uint64_t> indices;
        for (uint64_t i = random_.Below(12) + 1; i > 0; --i) indices.insert(Pick());
        std::vector<uint64_t> all(indices.begin(), indices.end());
        ASSERT_TRUE(array_
                        .StoreMany(
                            all, [&](size_t i) { return ValueEntry(i + 2000); },
                            [&](size_t i, Entry old) {
                              ASSERT_EQ(old, oracle_.Load(all[i]));
                              oracle_.Store(all[i], ValueEntry(i + 2000));
                            })
                        .ok());
        break;
      }
      case 1: {
        const uint64_t last = random_.OneIn(3) ? kLast : Pick();
        const auto got = array_.Allocate(random_.OneIn(4) ? kNull : entry, {.min = index, .max = last});
        uint64_t free = index;
        bool found = index <= last;
        for (auto at = oracle_.FindFrom(index); found && at != oracle_.map().end() && at->first <= free; ++at) {
          const uint64_t end = OrderOracle::LastOf(at->first, at->second);
          if (end >= last) found = false;
          free = end + 1;
        }
        ASSERT_EQ(got.ok(), found) << index << ".." << last;
        if (!found) break;
        ASSERT_EQ(*got, free);
        const Entry there = array_.Load(free);
        oracle_.Store(free, there == kNull ? kZero : there);
        break;
      }
      case 2:
        ASSERT_TRUE(array_.Store(index, random_.OneIn(2) ? kNull : entry).ok());
        oracle_.Store(index, array_.Load(index));
        break;
      case 3:
      case 4:
        ASSERT_TRUE(array_.StoreOrder(index, order, entry, TellNobody).ok());
        oracle_.StoreOrder(index, order, entry);
        break;
      case 5: {
        const uint64_t last = random_.OneIn(20) ? kLast : index + std::min(kLast - index, random_.Below(20000));
        ASSERT_TRUE(array_.EraseRange(index, last, TellNobody).ok());
        oracle_.EraseRange(index, last);
        break;
      }
      case 6: {
        ASSERT_EQ(array_.SplitToward(index, order % 10).ok(), oracle_.SplitToward(index, order % 10));
        break;
      }
      default:
        for (int i = 0; i < 4; ++i) {
          const uint64_t at = Pick();
          const unsigned mark = static_cast<unsigned>(random_.Below(3));
          if (array_.SetMark(at, kAllMarks[mark])) oracle_.Find(at)->second.marks |= 1u << mark;
        }
    }
    ASSERT_EQ(CheckInvariants(array_), absl::OkStatus());
  }

  void Walk() {
    reclaim::ReadSection section;
    MarkFilter filter;
    for (Mark mark : kAllMarks) {
      const auto dice = random_.Below(4);
      if (dice == 0) filter = filter.With(mark);
      if (dice == 1) filter = filter.Without(mark);
    }
    uint64_t next = Pick();
    uint64_t index = next;
    bool unmet = true;
    bool ended = false;
    int way = 0;
    Cursor cursor(array_, next);
    std::string log = "start " + std::to_string(next);
    for (int i = 0; i < 12; ++i) {
      const int step = way == 0 || random_.OneIn(5) ? (random_.OneIn(2) ? 1 : -1) : way;
      const uint64_t bound = random_.OneIn(3) ? (step > 0 ? kLast : 0) : Pick();
      if (step != way && way != 0) {
        ended = index == (step > 0 ? kLast : 0);
        next = index + static_cast<uint64_t>(step);
        if (step > 0 && !ended && !unmet) {
          auto in = oracle_.Find(index);
          if (in != oracle_.map().end()) {
            const uint64_t last = OrderOracle::LastOf(in->first, in->second);
            ended = last == kLast;
            next = last + 1;
          }
        }
      }
      way = step;
      Entry expected = kNull;
      while (!ended && (way > 0 ? next <= bound : next >= bound)) {
        auto at = oracle_.map().end();
        if (way > 0) {
          at = oracle_.FindFrom(next);
          if (at == oracle_.map().end() || at->first > bound) break;
        } else {
          at = oracle_.map().upper_bound(next);
          if (at == oracle_.map().begin()) break;
          --at;
          if (OrderOracle::LastOf(at->first, at->second) < bound) break;
        }
        const uint64_t first = at->first;
        const uint64_t last = OrderOracle::LastOf(first, at->second);
        const uint64_t met = way > 0 ? std::max(first, next) : std::max(first, bound);
        ended = way > 0 ? last == kLast : first == 0;
        next = way > 0 ? last + 1 : first - 1;
        if (at->second.entry == kZero || !Passes(filter, at->second.marks)) continue;
        expected = at->second.entry;
        index = met;
        unmet = false;
        break;
      }
      if (expected == kNull && !ended && (way > 0 ? next <= bound : next >= bound)) {
        ended = bound == (way > 0 ? kLast : 0);
        next = bound + static_cast<uint64_t>(way);
      }
      const Entry got = way > 0 ? cursor.NextMatching(filter, bound) : cursor.PrevMatching(filter, bound);
      log += (way > 0 ? " next " : " prev ") + std::to_string(bound);
      ASSERT_EQ(got, expected) << log << " index " << cursor.index() << " expected " << index;
      ASSERT_EQ(cursor.index(), index) << log;
      ASSERT_EQ(cursor.Reload(), oracle_.Load(index)) << log;
    }
  }

 private:
  uint64_t Pick() {
    if (oracle_.map().empty() || random_.OneIn(2)) return PickId(shape_, random_);
    auto found = oracle_.FindFrom(PickId(shape_, random_));
    if (found == oracle_.map().end()) found = oracle_.map().begin();
    const uint64_t mask = OrderMask(found->second.order);
    const uint64_t inside[] = {0, mask, random_.Next() & mask};
    return found->first + inside[random_.Below(3)] + random_.Below(2);
  }
  static bool Passes(MarkFilter filter, unsigned marks) {
    for (Mark mark : kAllMarks) {
      const bool marked = (marks >> static_cast<unsigned>(mark) & 1) != 0;
      if (marked ? filter.Bars(mark) : filter.Asks(mark)) return false;
    }
    return true;
  }

  IdShape shape_;
  Random random_;
  ArrayCore array_;
  OrderOracle oracle_;
};

TEST(OrdersFuzzTest, AgreesWithAMap) {
  std::unique_ptr<NodeCache> nodes = NodeCache::Create().value();
  for (uint64_t run = 0; run < 400; ++run) {
    SCOPED_TRACE(run);
    Fuzz fuzz(run + 1, static_cast<IdShape>(run % 4), *nodes);
    for (int i = 0; i < 40; ++i) {
      fuzz.Step();
      if (testing::Test::HasFatalFailure()) return;
      for (int w = 0; w < 5; ++w) {
        fuzz.Walk();
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace mxa::xarray
