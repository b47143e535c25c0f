// SPDX-License-Identifier: Apache-2.0
//
// A map of values holds what was put in, hands it out whole and in order, and ends each value once.
#include "xarray/movable_map.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "tests/support/random.h"
#include "xarray/node_cache.h"

namespace mxa {
namespace {

constexpr uint64_t kLast = ~uint64_t{0};

struct Quote {
  uint64_t bid;
  uint32_t ask;
  friend bool operator==(const Quote&, const Quote&) = default;
};

TEST(MovableMapTest, InsertsStoresAndErases) {
  MovableMap<Quote> map;
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.Insert(7, {1, 2}), absl::OkStatus());
  EXPECT_EQ(map.Insert(7, {3, 4}).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_FALSE(map.Store(8, {5, 6}).value());
  EXPECT_TRUE(map.Store(8, {7, 8}).value());
  EXPECT_EQ(map.size(), 2u);
  EXPECT_EQ(map.Get(7), (Quote{1, 2}));
  EXPECT_EQ(map.Get(8), (Quote{7, 8}));
  EXPECT_EQ(map.Get(9), std::nullopt);
  EXPECT_TRUE(map.Contains(8));
  EXPECT_FALSE(map.Contains(9));
  EXPECT_TRUE(map.Erase(7));
  EXPECT_FALSE(map.Erase(7));
  EXPECT_EQ(map.size(), 1u);
  EXPECT_EQ(map.CheckInvariants(), absl::OkStatus());
}

TEST(MovableMapTest, ReadsInASectionOfItsOwn) {
  MovableMap<Quote> map;
  ASSERT_TRUE(map.Insert(0, {1, 2}).ok());
  uint64_t bid = 0;
  EXPECT_TRUE(map.Read(0, [&](const Quote& quote) { bid = quote.bid; }));
  EXPECT_EQ(bid, 1u);
  EXPECT_FALSE(map.Read(1, [](const Quote&) { FAIL(); }));
}

TEST(MovableMapTest, AnUpdateIsAnotherCopy) {
  MovableMap<Quote> map;
  ASSERT_TRUE(map.Insert(70, {1, 2}).ok());
  ASSERT_TRUE(map.SetMark(70, Mark::k1));
  {
    reclaim::ReadSection section;
    const Quote* before = map.Find(70);
    EXPECT_EQ(map.Update(70, [](Quote& quote) { quote = {quote.bid + 10, 20}; }), absl::OkStatus());
    EXPECT_EQ(*before, (Quote{1, 2}));
    EXPECT_EQ(*map.Find(70), (Quote{11, 20}));
  }
  EXPECT_TRUE(map.GetMark(70, Mark::k1));
  EXPECT_EQ(map.Update(71, [](Quote&) { FAIL(); }).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(map.size(), 1u);
  EXPECT_EQ(map.CheckInvariants(), absl::OkStatus());
}

TEST(MovableMapTest, WalksInOrderBothWays) {
  MovableMap<uint64_t> map;
  const std::vector<uint64_t> indices = {0, 1, 63, 64, 4095, 4096, uint64_t{1} << 40, kLast};
  for (const uint64_t index : indices) ASSERT_TRUE(map.Insert(index, index ^ 5).ok());
  ASSERT_TRUE(map.SetMark(63, Mark::k0));
  ASSERT_TRUE(map.SetMark(kLast, Mark::k0));
  std::vector<uint64_t> met;
  for (const auto [index, value] : map.Range()) {
    EXPECT_EQ(*value, index ^ 5);
    met.push_back(index);
  }
  EXPECT_EQ(met, indices);
  met.clear();
  for (const auto [index, value] : map.Range(1, 4096).Reversed()) met.push_back(index);
  EXPECT_EQ(met, (std::vector<uint64_t>{4096, 4095, 64, 63, 1}));
  met.clear();
  for (const auto [index, value] : map.Range().Marked(Mark::k0)) met.push_back(*value ^ 5);
  EXPECT_EQ(met, (std::vector<uint64_t>{63, kLast}));

  reclaim::ReadSection section;
  MovableMapCursor<uint64_t> cursor(map, 2);
  EXPECT_EQ(*cursor.Next(), 63u ^ 5);
  EXPECT_EQ(*cursor.Prev(), 1u ^ 5);
  EXPECT_EQ(cursor.index(), 1u);
  ASSERT_TRUE(map.Store(1, 77).ok());
  EXPECT_EQ(*cursor.Reload(), 77u);
  EXPECT_EQ(*cursor.NextMarked(Mark::k0), 63u ^ 5);
  EXPECT_EQ(cursor.Next(63), nullptr);
}

TEST(MovableMapTest, MarksAreOfTheIndex) {
  MovableMap<uint64_t> map;
  EXPECT_FALSE(map.SetMark(3, Mark::k2));
  ASSERT_TRUE(map.Insert(3, 1).ok());
  EXPECT_TRUE(map.SetMark(3, Mark::k2));
  EXPECT_TRUE(map.Store(3, 2).value());
  EXPECT_TRUE(map.GetMark(3, Mark::k2));
  map.ClearMark(3, Mark::k2);
  EXPECT_FALSE(map.HasMarked(Mark::k2));
  EXPECT_TRUE(map.SetMark(3, Mark::k2));
  EXPECT_TRUE(map.Erase(3));
  EXPECT_FALSE(map.HasMarked(Mark::k2));
}

TEST(MovableMapTest, ErasesRangesAndAll) {
  MovableMap<uint64_t> map;
  for (uint64_t index = 0; index < 1000; ++index) ASSERT_TRUE(map.Insert(index, index).ok());
  ASSERT_TRUE(map.Insert(kLast, 1).ok());
  map.EraseRange(100, 899);
  EXPECT_EQ(map.size(), 201u);
  EXPECT_FALSE(map.Contains(100));
  EXPECT_TRUE(map.Contains(900));
  map.Clear();
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.size(), 0u);
  EXPECT_EQ(map.CheckInvariants(), absl::OkStatus());
}

// What a section has found stays readable and as it was, whatever becomes of the index and of the map.
TEST(MovableMapTest, AReaderKeepsWhatItFound) {
  auto map = std::make_unique<MovableMap<std::array<uint64_t, 8>>>();
  for (uint64_t index = 1; index <= 3; ++index) ASSERT_TRUE(map->Insert(index, {index, index}).ok());
  reclaim::ReadSection section;
  std::vector<const std::array<uint64_t, 8>*> found;
  for (uint64_t index = 1; index <= 3; ++index) found.push_back(map->Find(index));
  map->Erase(1);
  ASSERT_TRUE(map->Store(2, {9, 9}).ok());
  map.reset();
  for (uint64_t index = 1; index <= 3; ++index) {
    EXPECT_EQ(*found[index - 1], (std::array<uint64_t, 8>{index, index}));
  }
}

struct alignas(64) Wide {
  uint64_t number;
  char rest[120];
};

TEST(MovableMapTest, ValuesLieAsTheirTypeAsks) {
  MovableMap<Wide> wide;
  MovableMap<char> narrow;
  for (uint64_t index = 0; index < 200; ++index) {
    ASSERT_TRUE(wide.Insert(index, {.number = index, .rest = {}}).ok());
    ASSERT_TRUE(narrow.Insert(index, static_cast<char>(index)).ok());
  }
  reclaim::ReadSection section;
  for (uint64_t index = 0; index < 200; ++index) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(wide.Find(index)) % 64, 0u);
    EXPECT_EQ(wide.Find(index)->number, index);
    EXPECT_EQ(*narrow.Find(index), static_cast<char>(index));
  }
}

std::atomic<int> alive{0};

struct Counted {
  explicit Counted(uint64_t n) : number(n) { ++alive; }
  ~Counted() { --alive; }
  const uint64_t number;
};
using Boxed = std::unique_ptr<const Counted>;

}  // namespace

// The unique_ptr's bytes are copied: both copies point to the one Counted, which ends with the last of them.
template <>
inline constexpr bool kMovesWhileRead<std::unique_ptr<const Counted>> = true;

namespace {

TEST(MovableMapTest, EndsEachValueOnce) {
  const auto values = MovableMap<Boxed>::CreateCache().value();
  {
    MovableMap<Boxed> map(*values);
    for (uint64_t index = 0; index < 500; ++index) {
      ASSERT_TRUE(map.Insert(index, std::make_unique<const Counted>(index)).ok());
    }
    EXPECT_FALSE(map.Insert(5, std::make_unique<const Counted>(0)).ok());
    EXPECT_EQ(alive, 500);
    EXPECT_TRUE(map.Store(5, std::make_unique<const Counted>(50)).value());
    for (uint64_t index = 100; index < 200; ++index) EXPECT_TRUE(map.Erase(index));
    values->slabs().FreeRcuBarrier();
    EXPECT_EQ(alive, 400);
    reclaim::ReadSection section;
    for (uint64_t index = 200; index < 500; ++index) EXPECT_EQ((*map.Find(index))->number, index);
    EXPECT_EQ((*map.Find(5))->number, 50u);
  }
  values->slabs().FreeRcuBarrier();
  EXPECT_EQ(alive, 0);
}

TEST(MovableMapTest, APassGivesTheMemoryOfErasedValuesBack) {
  const auto values = MovableMap<std::array<uint64_t, 10>>::CreateCache().value();
  const auto nodes = xarray::NodeCache::Create().value();
  MovableMap<std::array<uint64_t, 10>> map(*values, *nodes);
  constexpr uint64_t kCount = 50'000;
  for (uint64_t index = 0; index < kCount; ++index) ASSERT_TRUE(map.Insert(index, {index, ~index}).ok());
  tests::Random random(tests::TestSeed(1));
  for (uint64_t index = 0; index < kCount; ++index) {
    if (!random.OneIn(10)) map.Erase(index);
  }
  values->slabs().FreeRcuBarrier();
  const size_t before = values->slabs().Stats().slabs;
  const auto pass = values->slabs().Compact();
  ASSERT_TRUE(pass.ok());
  EXPECT_GT(pass->objects_moved, map.size() / 2);
  EXPECT_EQ(pass->skipped(), 0u);
  const size_t after = values->slabs().Stats().slabs;
  EXPECT_LE(after, map.size() * 96 / slab::kUnitSize + 2);
  EXPECT_GT(before, 5 * after);
  EXPECT_EQ(map.CheckInvariants(), absl::OkStatus());
  for (const auto [index, value] : map.Range()) EXPECT_EQ((*value)[1], ~index);
  EXPECT_EQ(values->slabs().CheckInvariants(), absl::OkStatus());
}

TEST(MovableMapDeathTest, AReadOutsideASection) {
  MovableMap<uint64_t> map;
  EXPECT_DEATH(map.Find(0), "outside a read section");
}

TEST(MovableMapDeathTest, ACacheOfAnotherType) {
  EXPECT_DEATH(MovableMap<int64_t> map(MovableMap<uint64_t>::DefaultCache()), "the cache of another type");
}

}  // namespace
}  // namespace mxa
