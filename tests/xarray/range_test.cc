// SPDX-License-Identifier: Apache-2.0
//
// Ranges, finds and counts of the typed array: what they meet, and what they pin.
#include "xarray/range.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <ranges>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/thread_group.h"
#include "xarray/node_cache.h"
#include "xarray/pause_interval.h"
#include "xarray/xarray.h"

namespace mxa {
namespace {

constexpr uint64_t kLast = ~uint64_t{0};
using Indices = std::vector<uint64_t>;

struct Page {
  uint64_t number;
};

class RangeTest : public testing::Test {
 protected:
  void Put(uint64_t index) {
    pages_.push_back(std::make_unique<Page>(Page{index}));
    ASSERT_TRUE(array_.Store(index, pages_.back().get()).ok());
  }

  // Also that each item is what is there.
  template <typename Range>
  Indices Met(const Range& range) {
    Indices met;
    for (auto [index, page] : range) {
      EXPECT_EQ(page->number, index);
      met.push_back(index);
    }
    return met;
  }

  std::unique_ptr<xarray::NodeCache> nodes_ = xarray::NodeCache::Create().value();
  XArray<Page> array_{*nodes_};
  std::vector<std::unique_ptr<Page>> pages_;
};

TEST_F(RangeTest, OfNothingHoldsNoSection) {
  auto it = array_.Range().begin();
  EXPECT_EQ(it, std::default_sentinel);
  EXPECT_FALSE(reclaim::InReadSection());
  EXPECT_EQ(Met(array_.Range().Reversed()), Indices{});
}

TEST_F(RangeTest, UpDownMarkedAndUnmarked) {
  for (const uint64_t index : {uint64_t{0}, uint64_t{63}, uint64_t{64}, uint64_t{1} << 32, kLast}) Put(index);
  array_.SetMark(63, Mark::k0);
  array_.SetMark(kLast, Mark::k0);
  array_.SetMark(kLast, Mark::k1);
  const uint64_t far = uint64_t{1} << 32;
  EXPECT_EQ(Met(array_.Range()), (Indices{0, 63, 64, far, kLast}));
  EXPECT_EQ(Met(array_.Range().Reversed()), (Indices{kLast, far, 64, 63, 0}));
  EXPECT_EQ(Met(array_.Range().Reversed().Reversed()), Met(array_.Range()));
  EXPECT_EQ(Met(array_.Range(63, 64)), (Indices{63, 64}));
  EXPECT_EQ(Met(array_.Range(63, 64).Reversed()), (Indices{64, 63}));
  EXPECT_EQ(Met(array_.Range(65, 64)), Indices{});
  EXPECT_EQ(Met(array_.Range(65, 64).Reversed()), Indices{});
  EXPECT_EQ(Met(array_.Range().Marked(Mark::k0)), (Indices{63, kLast}));
  EXPECT_EQ(Met(array_.Range().Marked(Mark::k0).Reversed()), (Indices{kLast, 63}));
  EXPECT_EQ(Met(array_.Range().Matching(MarkFilter().Without(Mark::k0))), (Indices{0, 64, far}));
  EXPECT_EQ(Met(array_.Range().Matching(MarkFilter().With(Mark::k0).Without(Mark::k1))), Indices{63});
  EXPECT_FALSE(reclaim::InReadSection());
}

TEST_F(RangeTest, GoesThroughAlgorithms) {
  for (uint64_t index = 0; index < 500; ++index) Put(index);
  EXPECT_EQ(std::ranges::count_if(array_.Range(), [](const auto& item) { return item.element->number < 250; }), 250);
  EXPECT_FALSE(reclaim::InReadSection());
}

// Clang before 16 cannot compile the views of libstdc++ at all.
#if !defined(__clang__) || __clang_major__ >= 16
TEST_F(RangeTest, GoesThroughViews) {
  for (uint64_t index = 0; index < 500; ++index) Put(index);
  Indices met;
  for (const auto& item : array_.Range() | std::views::filter([](const auto& each) { return each.index % 100 == 0; }) |
                              std::views::take(3)) {
    met.push_back(item.index);
  }
  EXPECT_EQ(met, (Indices{0, 100, 200}));
  EXPECT_FALSE(reclaim::InReadSection());
}
#endif

TEST_F(RangeTest, AMovedIteratorTakesTheSectionAlong) {
  for (uint64_t index = 0; index < 10; ++index) Put(index);
  auto from = array_.Range().begin();
  ++from;
  auto to = std::move(from);
  EXPECT_EQ(from, std::default_sentinel);
  EXPECT_TRUE(reclaim::InReadSection());
  EXPECT_EQ((*to).index, 1u);
  from = std::move(to);
  EXPECT_TRUE(reclaim::InReadSection());
  ++from;
  EXPECT_EQ((*from).index, 2u);
  from = array_.Range(20, 30).begin();
  EXPECT_EQ(from, std::default_sentinel);
  EXPECT_FALSE(reclaim::InReadSection());
}

TEST_F(RangeTest, EndsItsSectionWhenTheLoopBreaksOff) {
  for (uint64_t index = 0; index < 10; ++index) Put(index);
  for (auto [index, page] : array_.Range()) {
    EXPECT_TRUE(reclaim::InReadSection());
    if (index == 5) break;
  }
  EXPECT_FALSE(reclaim::InReadSection());
}

// A grace period that another thread waits for passes while the loop runs, in one of the pauses.
TEST_F(RangeTest, PausesForGracePeriods) {
  constexpr uint64_t kEntries = 64 * xarray::kPauseInterval;
  Page page{0};
  for (uint64_t index = 0; index < kEntries; ++index) ASSERT_TRUE(array_.Store(index, &page).ok());
  std::atomic<bool> begun{false};
  std::atomic<bool> passed{false};
  tests::ThreadGroup waiter;
  uint64_t met = 0;
  for (auto [index, element] : array_.Range()) {
    if (met++ == 0) {
      waiter.Start("waiter", [&] {
        begun = true;
        reclaim::Synchronize();
        passed = true;
      });
      while (!begun) std::this_thread::yield();
    }
    if (passed) break;
    if (index % xarray::kPauseInterval == 0) {
      for (int i = 0; i < 200; ++i) std::this_thread::yield();
    }
  }
  EXPECT_TRUE(passed) << "no pause ended the section";
  EXPECT_GE(met, xarray::kPauseInterval) << "a section ended before its time";
}

// The body empties the array and stores anew, over several pauses.
TEST_F(RangeTest, TheBodyMayChangeTheArray) {
  for (uint64_t index = 0; index < 10000; ++index) Put(index);
  uint64_t met = 0;
  for (auto [index, page] : array_.Range(0, 9999)) {
    ASSERT_EQ(index, met++);
    array_.Erase(index);
    ASSERT_TRUE(array_.Store(index + 20000, page).ok());
  }
  EXPECT_EQ(met, 10000u);
  for (auto [index, page] : array_.Range().Reversed()) {
    ASSERT_EQ(index, 20000 + --met);
    ASSERT_EQ(array_.Erase(index), page);
  }
  EXPECT_EQ(met, 0u);
  EXPECT_TRUE(array_.empty());
  EXPECT_EQ(array_.CheckInvariants(), absl::OkStatus());
}

TEST_F(RangeTest, FindsTheFirst) {
  EXPECT_FALSE(array_.Find().has_value());
  for (const uint64_t index : {uint64_t{5}, uint64_t{64}, kLast}) Put(index);
  array_.SetMark(64, Mark::k2);
  EXPECT_EQ(array_.Find()->index, 5u);
  EXPECT_EQ(array_.Find(5, 5)->element->number, 5u);
  EXPECT_FALSE(array_.Find(6, 63).has_value());
  EXPECT_EQ(array_.FindAfter(5)->index, 64u);
  EXPECT_FALSE(array_.FindAfter(5, 63).has_value());
  EXPECT_EQ(array_.FindAfter(64)->index, kLast);
  EXPECT_FALSE(array_.FindAfter(kLast).has_value());
  EXPECT_EQ(array_.FindMarked(Mark::k2)->index, 64u);
  EXPECT_FALSE(array_.FindMarked(Mark::k2, 65).has_value());
  EXPECT_FALSE(array_.FindMarked(Mark::k1).has_value());
  EXPECT_EQ(array_.FindMatching(MarkFilter().Without(Mark::k2), 6)->index, kLast);
}

TEST_F(RangeTest, CountsTheMarked) {
  EXPECT_EQ(array_.CountMarked(Mark::k0), 0u);
  Put(0);
  array_.SetMark(0, Mark::k0);
  EXPECT_EQ(array_.CountMarked(Mark::k0), 1u);  // in the head
  for (uint64_t index = 1; index < 1000; ++index) Put(index);
  for (uint64_t index = 0; index < 1000; index += 3) array_.SetMark(index, Mark::k0);
  EXPECT_EQ(array_.CountMarked(Mark::k0), 334u);
  EXPECT_EQ(array_.CountMarked(Mark::k1), 0u);
  for (uint64_t first = 0; first < 200; first += 7) {
    for (uint64_t last = first; last < 400; last += 13) {
      ASSERT_EQ(array_.CountMarked(Mark::k0, first, last), (last / 3) - ((first + 2) / 3) + 1) << first << " " << last;
    }
  }
  EXPECT_EQ(array_.CountMarked(Mark::k0, 4, 3), 0u);
  EXPECT_EQ(array_.CountMarked(Mark::k0, 4, 5), 0u);
  Put(kLast);
  Put(kLast - 63);
  array_.SetMark(kLast, Mark::k0);
  array_.SetMark(kLast - 63, Mark::k0);
  EXPECT_EQ(array_.CountMarked(Mark::k0), 336u);
  EXPECT_EQ(array_.CountMarked(Mark::k0, kLast, kLast), 1u);
  EXPECT_EQ(array_.CountMarked(Mark::k0, 999, kLast - 1), 2u);
}

#ifndef NDEBUG
TEST(RangeDeathTest, ReadingBehindTheEndIsCaught) {
  XArray<Page> array;
  EXPECT_DEATH(static_cast<void>(*array.Range().begin()), "read behind the end of a range");
  EXPECT_DEATH(++array.Range().begin(), "went beyond the end of a range");
}
TEST(RangeDeathTest, ACursorOutsideASectionIsCaught) {
  XArray<Page> array;
  XArrayCursor<Page> cursor(array, 0);
  EXPECT_DEATH(cursor.Next(), "a cursor outside a read section");
  EXPECT_DEATH(cursor.PrevIndex(), "a cursor outside a read section");
}
#endif

TEST_F(RangeTest, ExtractsAsManyAsThereAreAndFit) {
  for (uint64_t index : {1u, 5u, 70u, 5000u}) Put(index);
  array_.SetMark(70, Mark::k1);
  std::vector<XArrayItem<Page>> items(3);
  reclaim::ReadSection section;
  EXPECT_EQ(array_.Extract(absl::MakeSpan(items)), 3u);
  EXPECT_EQ(items[0].index, 1u);
  EXPECT_EQ(items[2].index, 70u);
  EXPECT_EQ(items[2].element->number, 70u);
  EXPECT_EQ(array_.Extract(absl::MakeSpan(items), 6, 4999), 1u);
  EXPECT_EQ(array_.Extract(absl::MakeSpan(items), 0, kLast, MarkFilter().Without(Mark::k1)), 3u);
  EXPECT_EQ(items[2].index, 5000u);
  EXPECT_EQ(array_.Extract({}), 0u);
}

}  // namespace
}  // namespace mxa
