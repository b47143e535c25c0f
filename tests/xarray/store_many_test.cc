// SPDX-License-Identifier: Apache-2.0
//
// Many stores at once do what as many single ones do, or nothing; and they count the nodes they need exactly.
#include <atomic>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "slab/cache_stats.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"
#include "xarray/node_cache.h"
#include "xarray/xarray.h"

namespace mxa {
namespace {

using tests::Random;

// Ascending indices of many kinds: runs, scattered ones, both ends.
std::vector<uint64_t> RandomIndices(Random& random) {
  static constexpr uint64_t kEnds[] = {0, 1, 63, 64, 4095, 4096, uint64_t{1} << 32, ~uint64_t{0} - 1, ~uint64_t{0}};
  std::set<uint64_t> indices;
  const unsigned shift = static_cast<unsigned>(random.Below(64));
  for (uint64_t pieces = random.Below(6) + 1; pieces > 0; --pieces) {
    switch (random.Below(3)) {
      case 0:
        for (uint64_t first = random.Next() >> shift, i = random.Below(150); i > 0; --i) indices.insert(first + i);
        break;
      case 1:
        for (uint64_t i = random.Below(40); i > 0; --i) indices.insert(random.Next() >> random.Below(64));
        break;
      case 2:
        indices.insert(kEnds[random.Below(std::size(kEnds))]);
        break;
    }
  }
  return {indices.begin(), indices.end()};
}

using Element = XArray<Value>::Element;

std::vector<Element> RandomElements(Random& random, size_t count) {
  std::vector<Element> elements(count);
  for (Element& element : elements) element = random.Below(1'000'000);
  return elements;
}

class StoreManyTest : public testing::TestWithParam<bool> {};

TEST_P(StoreManyTest, DoesWhatSingleStoresDo) {
  const bool moves = GetParam();
  const auto nodes = xarray::NodeCache::Create().value();
  Random random(tests::TestSeed(5));
  for (int run = 0; run < 60; ++run) {
    XArray<Value> array(*nodes);
    std::map<uint64_t, uint64_t> oracle;
    for (int round = 0; round < 4; ++round) {
      std::vector<uint64_t> indices = RandomIndices(random);
      if (random.OneIn(3)) {
        for (size_t i = indices.size(); i > 1; --i) std::swap(indices[i - 1], indices[random.Below(i)]);
      }
      const std::vector<Element> elements = RandomElements(random, indices.size());
      std::vector<Element> replaced(indices.size());
      ASSERT_EQ(array.StoreMany(indices, elements, absl::MakeSpan(replaced)), absl::OkStatus());
      for (size_t i = 0; i < indices.size(); ++i) {
        const auto found = oracle.find(indices[i]);
        ASSERT_EQ(replaced[i], found == oracle.end() ? Element() : Element(found->second));
        oracle[indices[i]] = *elements[i];
      }
      ASSERT_EQ(array.CheckInvariants(), absl::OkStatus());
      if (moves) {
        ASSERT_TRUE(nodes->slabs().Compact({.mode = slab::CompactOptions::Mode::kMoveEverything}).ok());
      }
      auto expected = oracle.begin();
      reclaim::ReadSection section;
      XArrayCursor<Value> cursor(array, 0);
      while (const Element element = cursor.Next()) {
        ASSERT_NE(expected, oracle.end());
        ASSERT_EQ(cursor.index(), expected->first);
        ASSERT_EQ(element, expected->second);
        ++expected;
      }
      ASSERT_EQ(expected, oracle.end());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Nodes, StoreManyTest, testing::Bool(),
                         [](const testing::TestParamInfo<bool>& info) { return info.param ? "Moving" : "Still"; });

// Marks and reservations stay what they are.
TEST(StoreManyOnceTest, OverMarksAndReservations) {
  XArray<Value> array;
  ASSERT_TRUE(array.Store(10, 1).ok());
  ASSERT_TRUE(array.SetMark(10, Mark::k2));
  ASSERT_EQ(array.Reserve(11), absl::OkStatus());
  const uint64_t indices[] = {10, 11, 12};
  const Element elements[] = {5, 6, 7};
  Element replaced[3];
  ASSERT_EQ(array.StoreMany(indices, elements, replaced), absl::OkStatus());
  EXPECT_EQ(replaced[0], 1u);
  EXPECT_EQ(replaced[1], std::nullopt);
  EXPECT_EQ(replaced[2], std::nullopt);
  EXPECT_TRUE(array.GetMark(10, Mark::k2));
  EXPECT_FALSE(array.GetMark(11, Mark::k2));
  EXPECT_EQ(array.StoreMany({}, {}), absl::OkStatus());
}

// With one node less than single stores have needed nothing changes; with as many all is stored.
TEST(StoreManyOnceTest, NeedsTheNodesOfTheTreeAndNoMore) {
  slab::ArenaOptions options;
  options.reserve_bytes = options.min_reserve_bytes = 2 * slab::kRegionSize;
  Random random(tests::TestSeed(6));
  for (int run = 0; run < 25; ++run) {
    const auto arena = slab::Arena::Create(options).value();
    const auto nodes = xarray::NodeCache::Create(arena.get()).value();
    const auto plenty = xarray::NodeCache::Create().value();
    XArray<Value> array(*nodes);
    XArray<Value> twin(*plenty);
    const std::vector<uint64_t> before = random.OneIn(4) ? std::vector<uint64_t>() : RandomIndices(random);
    const std::vector<Element> old = RandomElements(random, before.size());
    for (size_t i = 0; i < before.size(); ++i) {
      ASSERT_TRUE(array.Store(before[i], old[i]).ok());
      ASSERT_TRUE(twin.Store(before[i], old[i]).ok());
    }
    const std::vector<uint64_t> indices = RandomIndices(random);
    const std::vector<Element> elements = RandomElements(random, indices.size());
    const auto live = plenty->slabs().Stats().live;
    for (size_t i = 0; i < indices.size(); ++i) ASSERT_TRUE(twin.Store(indices[i], elements[i]).ok());
    const size_t needed = plenty->slabs().Stats().live - live;
    if (needed == 0) continue;

    std::vector<xarray::Node*> taken;
    while (xarray::Node* node = nodes->Allocate(slab::AllocFlags::kNone)) taken.push_back(node);
    ASSERT_GE(taken.size(), needed);
    for (size_t i = 0; i + 1 < needed; ++i) {
      nodes->Free(taken.back());
      taken.pop_back();
    }
    ASSERT_EQ(array.StoreMany(indices, elements).code(), absl::StatusCode::kResourceExhausted) << needed;
    ASSERT_EQ(array.CheckInvariants(), absl::OkStatus());
    const std::map<uint64_t, Element> unchanged = [&] {
      std::map<uint64_t, Element> entries;
      for (size_t i = 0; i < before.size(); ++i) entries[before[i]] = old[i];
      return entries;
    }();
    for (const uint64_t index : indices) {
      const auto found = unchanged.find(index);
      ASSERT_EQ(array.Load(index), found == unchanged.end() ? Element() : found->second);
    }
    nodes->Free(taken.back());
    taken.pop_back();
    ASSERT_EQ(array.StoreMany(indices, elements), absl::OkStatus()) << needed;
    for (size_t i = 0; i < indices.size(); ++i) ASSERT_EQ(array.Load(indices[i]), elements[i]);
    for (xarray::Node* node : taken) nodes->Free(node);
    ASSERT_EQ(array.CheckInvariants(), absl::OkStatus());
  }
}

// Who stores one by one sees all of another's batch or none of it; nodes come and go meanwhile.
TEST(StoreManyOnceTest, OtherWritersSeeAllOrNothing) {
  const auto nodes = xarray::NodeCache::Create().value();
  XArray<Value> array(*nodes);
  std::vector<uint64_t> indices;
  for (uint64_t i = 0; i < 200; ++i) indices.push_back(i * 97);
  std::atomic<bool> end{false};
  {
    tests::ThreadGroup threads;
    for (uint64_t writer = 1; writer <= 2; ++writer) {
      threads.Start("many", [&, writer] {
        std::vector<Element> replaced(indices.size());
        for (uint64_t version = 0; !end; ++version) {
          const std::vector<Element> elements(indices.size(), version * 4 + writer);
          ASSERT_EQ(array.StoreMany(indices, elements, absl::MakeSpan(replaced)), absl::OkStatus());
          for (const Element& element : replaced) ASSERT_EQ(element, replaced[0]);
        }
      });
    }
    threads.Start("pass", [&] {
      for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(nodes->slabs().Compact({.mode = slab::CompactOptions::Mode::kMoveEverything}).ok());
      }
      end = true;
    });
  }
  EXPECT_EQ(array.CheckInvariants(), absl::OkStatus());
}

TEST(StoreManyDeathTest, Misuse) {
  XArray<Value> array;
  const uint64_t twice[] = {1, 1};
  const uint64_t ascending[] = {1, 2};
  const Element two[] = {1, 2};
  const Element with_null[] = {1, std::nullopt};
  EXPECT_DEATH(array.StoreMany(twice, two).IgnoreError(), "an index that comes twice");
  EXPECT_DEATH(array.StoreMany(ascending, with_null).IgnoreError(), "not an entry that StoreMany may store");
  EXPECT_DEATH(array.StoreMany(ascending, absl::MakeConstSpan(two).first(1)).IgnoreError(), "fewer or more elements");
}

}  // namespace
}  // namespace mxa
