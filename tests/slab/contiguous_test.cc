// SPDX-License-Identifier: Apache-2.0
//
// Contiguous memory comes out of memory full of holes; nothing that lives is lost; a failure leaves all as it was.
#include "slab/contiguous.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "slab/block_isolation.h"
#include "slab/cache.h"
#include "slab/page_pool.h"
#include "tests/support/fake_topology.h"
#include "tests/support/handle_table.h"
#include "tests/support/random.h"
#include "tests/support/stubborn_table.h"

namespace mxa::slab {
namespace {

using Kind = ContiguousVerdict::Kind;
using test::StubbornTable;

constexpr size_t kRegions = 8;
constexpr size_t kSlots = kRegions * kUnitsPerRegion * 64;

absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

std::unique_ptr<Arena> MakeArena(size_t regions, const Topology* topology = nullptr) {
  return Arena::Create({.reserve_bytes = regions * kRegionSize, .min_reserve_bytes = kRegionSize, .topology = topology})
      .value();
}

class ContiguousTest : public testing::Test {
 protected:
  ~ContiguousTest() override {
    FreeAll();
    EXPECT_EQ(arena_->isolations(), 0u);
    EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
  }
  ContiguousResult Allocate(size_t bytes, absl::Time deadline = Soon()) {
    ContiguousResult result = AllocateContiguous(*arena_, bytes, deadline);
    EXPECT_EQ(result.block != nullptr, result.verdict.granted()) << result.verdict.Text();
    if (result.block != nullptr) {
      blocks_.push_back(result.block);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(result.block) % bytes, 0u);
      const auto* words = static_cast<const uint64_t*>(result.block);
      EXPECT_TRUE(std::all_of(words, words + bytes / sizeof(uint64_t), [](uint64_t word) { return word == 0; }));
      static_cast<uint64_t*>(result.block)[0] = 1;
    }
    return result;
  }
  void FreeAll() {
    for (void* block : blocks_) FreeContiguous(*arena_, block);
    blocks_.clear();
  }
  void ExpectSound(StubbornTable& table) {
    EXPECT_TRUE(table.Intact());
    EXPECT_TRUE(table.cache().CheckInvariants().ok()) << table.cache().CheckInvariants();
    EXPECT_EQ(table.cache().Stats().live, table.size());
    EXPECT_EQ(arena_->isolations(), 0u);
  }

  std::unique_ptr<Arena> arena_ = MakeArena(kRegions);
  std::vector<void*> blocks_;
};

TEST_F(ContiguousTest, EverySizeFrom4KiBToTheArena) {
  for (size_t bytes = kLeastContiguous; bytes <= kRegions * kRegionSize; bytes *= 2) {
    EXPECT_TRUE(Allocate(bytes).verdict.granted()) << bytes;
    FreeAll();
    EXPECT_EQ(arena_->units_held(), 0u) << bytes;
  }
}

TEST_F(ContiguousTest, OneGiB) {
  arena_ = MakeArena(1024);
  const ContiguousResult result = AllocateContiguous(*arena_, kMostContiguous);
  ASSERT_NE(result.block, nullptr) << result.verdict.Text();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(result.block) % kMostContiguous, 0u);
  static_cast<char*>(result.block)[kMostContiguous - 1] = 1;
  FreeContiguous(*arena_, result.block);
}

TEST_F(ContiguousTest, SmallBlocksShareUnits) {
  std::set<void*> blocks;
  for (int i = 0; i < 32; ++i) blocks.insert(Allocate(kLeastContiguous).block);
  EXPECT_EQ(blocks.size(), 32u);
  EXPECT_EQ(arena_->units_held(), 2u);
}

// The recipe of the benchmark, small: as many blocks as the free bytes can hold.
TEST_F(ContiguousTest, AsManyBlocksAsTheFreeBytesHold) {
  for (const size_t bytes : {kUnitSize, kRegionSize, 2 * kRegionSize}) {
    SCOPED_TRACE(bytes);
    StubbornTable table(*arena_, kSlots);
    ASSERT_EQ(table.Fill(), kSlots);
    tests::Random random(tests::TestSeed(3));
    for (size_t slot = 0; slot < kSlots; ++slot) {
      if (!random.OneIn(4)) table.Remove(slot);
    }
    const size_t could = (kRegions * kRegionSize - table.size() * 1024) / bytes;
    size_t got = 0;
    ContiguousVerdict last;
    do {
      last = Allocate(bytes).verdict;
    } while (last.granted() && ++got < 1000);
    EXPECT_GE(got, bytes == kUnitSize ? could - 1 : could) << last.Text();
    EXPECT_EQ(last.kind, Kind::kNoMemory) << last.Text();
    ExpectSound(table);
    FreeAll();
  }
}

TEST_F(ContiguousTest, FullSlabsAndEmptySlabsAndCachedObjectsLeaveToo) {
  arena_ = MakeArena(2);
  StubbornTable table(*arena_, kSlots);
  const size_t items = table.Fill();
  // The upper region keeps full slabs, the lower one holds empty and sparse ones.
  for (size_t slot = 0; slot < items; ++slot) {
    const bool low = arena_->RegionOf(arena_->SlabOf(table.At(slot))) == 0;
    if (low && slot % 64 < 40) table.Remove(slot);
  }
  EXPECT_FALSE(Allocate(kRegionSize).verdict.granted());
  for (size_t slot = 0; slot < items; ++slot) {
    if (slot % 2 == 0) table.Remove(slot);
  }
  EXPECT_TRUE(Allocate(kRegionSize).verdict.granted());
  ExpectSound(table);
}

TEST_F(ContiguousTest, SeveralCachesLeaveOneBlock) {
  StubbornTable small(*arena_, kSlots / 2, "small", 256);
  StubbornTable large(*arena_, kSlots / 2, "large", 8192);
  StubbornTable huge(*arena_, 64, "huge", 100'000);
  for (size_t slot = 0; slot < kSlots; ++slot) {
    const bool a = slot < kSlots / 2 && small.Create(slot);
    const bool b = slot % 4 == 0 && slot / 4 < kSlots / 2 && large.Create(slot / 4);
    const bool c = slot % 64 == 0 && slot / 64 < 64 && huge.Create(slot / 64);
    if (!a && !b && !c && slot % 64 == 1) break;
  }
  for (size_t slot = 0; slot < kSlots / 2; ++slot) {
    if (slot % 3 != 0) small.Remove(slot);
    if (slot % 4 != 0) large.Remove(slot);
    if (slot < 64 && slot % 4 != 0) huge.Remove(slot);
  }
  size_t got = 0;
  while (got < kRegions && Allocate(kRegionSize).verdict.granted()) ++got;
  EXPECT_GE(got, 3u);
  ExpectSound(small);
  ExpectSound(large);
  ExpectSound(huge);
}

// With no page left anywhere nothing is lost, the answer says how much is missing, and it works when memory is back.
TEST_F(ContiguousTest, RecoversWhenMemoryComesBack) {
  StubbornTable table(*arena_, kSlots);
  ASSERT_EQ(table.Fill(), kSlots);
  ASSERT_FALSE(table.Create(0));
  const ContiguousResult result = Allocate(kRegionSize);
  EXPECT_EQ(result.verdict.kind, Kind::kNoMemory) << result.verdict.Text();
  EXPECT_EQ(result.verdict.missing_bytes, kRegionSize);
  ExpectSound(table);
  EXPECT_EQ(table.size(), kSlots);
  for (size_t slot = 0; slot < kSlots; slot += 8) table.Remove(slot);
  EXPECT_TRUE(Allocate(kRegionSize).verdict.granted());
  ExpectSound(table);
  EXPECT_FALSE(Allocate(kRegionSize).verdict.granted());
  FreeAll();
  for (size_t slot = 0; slot < kSlots; slot += 8) EXPECT_TRUE(table.Create(slot)) << "the memory is ordinary again";
}

// Objects wait for a grace period, or lie in sheaves: free memory all the same.
TEST_F(ContiguousTest, CollectsWhatCachesHoldBack) {
  auto cache = Cache::Create({.name = "still", .object_size = 1024, .arena = arena_.get()}).value();
  std::vector<void*> objects;
  while (void* object = cache->Allocate()) objects.push_back(object);
  for (void* object : objects) cache->FreeRcu(object);
  EXPECT_TRUE(Allocate(kRegions * kRegionSize).verdict.granted());
}

TEST_F(ContiguousTest, ReadersSeeEveryItemThroughout) {
  test::HandleTable table({.slots = 60'000, .sheaf_capacity = 8, .reserve_bytes = 4 * kRegionSize});
  size_t items = 0;
  while (items < 60'000 && table.Create(items)) ++items;
  for (size_t slot = 0; slot < items; ++slot) {
    if (slot % 4 != 0) table.RemoveRcu(slot);
  }
  size_t got = 0;
  while (void* block = AllocateContiguous(table.arena(), kRegionSize, Soon()).block) {
    blocks_.push_back(block);
    ++got;
  }
  for (void* block : blocks_) FreeContiguous(table.arena(), block);
  blocks_.clear();
  EXPECT_GE(got, 2u);
  for (size_t slot = 0; slot < items; ++slot) EXPECT_TRUE(table.Read(slot));
  EXPECT_EQ(table.violations(), 0u);
  EXPECT_TRUE(table.cache().CheckInvariants().ok()) << table.cache().CheckInvariants();
}

TEST_F(ContiguousTest, UnmovableSlabsStayTogether) {
  StubbornTable table(*arena_, kSlots);
  auto still =
      Cache::Create({.name = "still", .object_size = 1024, .arena = arena_.get(), .sheaf_capacity = 8}).value();
  std::vector<void*> objects;
  for (size_t slot = 0; slot < kSlots / 2; ++slot) {
    ASSERT_TRUE(table.Create(slot));
    if (slot % 8 == 0) objects.push_back(still->Allocate());
  }
  for (size_t slot = 0; slot < kSlots / 2; ++slot) {
    if (slot % 4 != 0) table.Remove(slot);
  }
  size_t got = 0;
  while (Allocate(kRegionSize).verdict.granted()) ++got;
  EXPECT_GE(got, kRegions - 2) << "one region is the still ones', one holds what is left of the others";
  ExpectSound(table);
  for (void* object : objects) still->Free(object);
}

TEST_F(ContiguousTest, APoolKeepsNoRunOfAnIsolatedBlock) {
  arena_ = MakeArena(2);
  std::vector<Slab*> mine{arena_->AllocateRun(4, kAnyNode, Mobility::kMovable)};
  std::vector<Slab*> other{arena_->AllocateRun(32)};
  auto pool = PagePool::Create({.name = "pool", .arena = arena_.get()}).value();
  {
    const BlockIsolation isolation(*arena_, {0, kUnitsPerRegion});
    EXPECT_FALSE(pool->Resize(1).ok()) << "it can have no free unit of the block either";
    EXPECT_FALSE(pool->Offer(mine));
    EXPECT_EQ(mine.size(), 1u);
  }
  EXPECT_TRUE(pool->Offer(mine));
  arena_->FreeRuns(mine);
  arena_->FreeRuns(other);
}

TEST_F(ContiguousTest, PagePoolsAndBlocksStandBesideEachOther) {
  auto pool = PagePool::Create({.name = "pool", .arena = arena_.get(), .min_units = 40}).value();
  StubbornTable table(*arena_, kSlots);
  const size_t items = table.Fill();
  for (size_t slot = 0; slot < items; ++slot) {
    if (slot % 4 != 0) table.Remove(slot);
  }
  size_t got = 0;
  while (Allocate(kRegionSize).verdict.granted()) ++got;
  EXPECT_GE(got, kRegions - 2 - 2);
  EXPECT_TRUE(pool->CheckInvariants().ok()) << pool->CheckInvariants();
  ExpectSound(table);
}

TEST_F(ContiguousTest, OnSeveralNodes) {
  const test::FakeTopology topology(2);
  arena_ = MakeArena(kRegions, &topology);
  StubbornTable table(*arena_, kSlots);
  for (size_t slot = 0; slot < kSlots; ++slot) {
    test::FakeTopology::RunOn(static_cast<int>(slot / 4096 % 2));
    ASSERT_TRUE(table.Create(slot));
  }
  test::FakeTopology::RunOn(0);
  for (size_t slot = 0; slot < kSlots; ++slot) {
    if (slot % 4 != 0) table.Remove(slot);
  }
  size_t got = 0;
  while (got < kRegions && Allocate(kRegionSize).verdict.granted()) ++got;
  EXPECT_GE(got, kRegions / 2);
  ExpectSound(table);
}

class ContiguousDeathTest : public ContiguousTest {
 protected:
  ContiguousDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(ContiguousDeathTest, IsAskedForWhereWaitingIsAllowed) {
  EXPECT_DEATH(
      {
        reclaim::ReadSection section;
        AllocateContiguous(*arena_, kUnitSize).verdict.Text();
      },
      "asked for in a read section");
  EXPECT_DEATH(
      {
        reclaim::ArrayLockScope lock;
        AllocateContiguous(*arena_, kUnitSize).verdict.Text();
      },
      "under an array lock");
  EXPECT_DEATH(
      {
        reclaim::NoReclaimScope callback;
        AllocateContiguous(*arena_, kUnitSize).verdict.Text();
      },
      "inside a callback");
}

TEST_F(ContiguousDeathTest, ABlockIsFreedOnce) {
  EXPECT_DEATH(
      {
        void* block = AllocateContiguous(*arena_, kUnitSize).block;
        FreeContiguous(*arena_, block);
        FreeContiguous(*arena_, block);
      },
      "no contiguous memory is out");
  EXPECT_DEATH(
      {
        auto* block = static_cast<char*>(AllocateContiguous(*arena_, 2 * kUnitSize).block);
        FreeContiguous(*arena_, block + kUnitSize);
      },
      "no contiguous memory is out");
  EXPECT_DEATH(FreeContiguous(*arena_, nullptr), "no contiguous memory is out");
}

}  // namespace
}  // namespace mxa::slab
