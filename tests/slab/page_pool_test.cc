// SPDX-License-Identifier: Apache-2.0
//
// The reserve is there when the arena has nothing left, serves every slab order, and is whole again when all is back.
#include "slab/page_pool.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace mxa::slab {
namespace {

using testing::HasSubstr;

constexpr size_t kRegions = 2;

class PagePoolTest : public testing::Test {
 protected:
  ~PagePoolTest() override {
    for (Slab* run : out_) pool_->Put(run);
    if (pool_ != nullptr) {
      EXPECT_EQ(pool_->Stats().out_units, 0u);
      Check();
    }
    pool_.reset();
    arena_->FreeRuns(ordinary_);
    EXPECT_EQ(arena_->units_held(), 0u);
  }

  void Create(size_t min_units, size_t largest_run_units) {
    pool_ = PagePool::Create(
                {.name = "io", .arena = arena_.get(), .min_units = min_units, .largest_run_units = largest_run_units})
                .value();
  }
  Slab* Take(size_t units) {
    Slab* run = pool_->Take(units);
    if (run != nullptr) out_.push_back(run);
    return run;
  }
  void Put(Slab* run) {
    std::erase(out_, run);
    pool_->Put(run);
  }
  // Takes what is left of the arena, so that it fails from here on.
  void ExhaustArena() {
    for (size_t units = kUnitsPerRegion; units >= 1; units /= 2) {
      while (Slab* run = arena_->AllocateRun(units)) ordinary_.push_back(run);
    }
  }
  void Check() {
    EXPECT_TRUE(pool_->CheckInvariants().ok()) << pool_->CheckInvariants();
    EXPECT_TRUE(arena_->CheckInvariants().ok()) << arena_->CheckInvariants();
  }
  size_t held() const { return pool_->Stats().held_units; }
  size_t ResidentUnits() const { return arena_->Residency().object_bytes / kUnitSize; }

  static bool IsZero(const Slab* run) {
    return run->objects[0] == 0 && std::memcmp(run->objects, run->objects + 1, run->units * kUnitSize - 1) == 0;
  }
  static void Dirty(Slab* run) { std::memset(run->objects, 0xab, run->units * kUnitSize); }

  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = kRegions * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  std::unique_ptr<PagePool> pool_;
  std::vector<Slab*> out_;       // of the pool
  std::vector<Slab*> ordinary_;  // of the arena
};

TEST_F(PagePoolTest, RefusesImpossibleSizes) {
  for (const size_t largest : {size_t{0}, size_t{3}, 2 * kUnitsPerRegion}) {
    EXPECT_EQ(PagePool::Create({.name = "io", .arena = arena_.get(), .largest_run_units = largest}).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(PagePool::Create({.name = "io", .arena = arena_.get(), .min_units = ~size_t{0}}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(PagePoolTest, FillsTheReserveInWholeBlocksAndGivesItBack) {
  Create(/*min_units=*/9, /*largest_run_units=*/4);
  EXPECT_EQ(pool_->Stats().target_units, 12u);
  EXPECT_EQ(held(), 12u);
  EXPECT_EQ(arena_->units_held(), 12u);
  Check();
  pool_.reset();
  EXPECT_EQ(arena_->units_held(), 0u);
  EXPECT_EQ(ResidentUnits(), 0u);
}

TEST_F(PagePoolTest, CreatesItselfFullyOrNotAtAll) {
  for (int i = 0; i < 5; ++i) ordinary_.push_back(arena_->AllocateRun(8));
  const auto pool = PagePool::Create({.name = "io", .arena = arena_.get(), .min_units = 32, .largest_run_units = 8});
  EXPECT_EQ(pool.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(pool.status().message(), HasSubstr("page pool io holds 24 of 32 units: the arena has no run of 8"));
  EXPECT_EQ(arena_->units_held(), 40u) << "what it got went back";
}

TEST_F(PagePoolTest, ServesExactlyTheReserveWhenTheArenaFails) {
  Create(8, 1);
  ExhaustArena();
  for (int i = 0; i < 8; ++i) {
    Slab* run = Take(1);
    ASSERT_NE(run, nullptr) << i;
    Dirty(run);
  }
  EXPECT_EQ(Take(1), nullptr);
  EXPECT_EQ(pool_->Stats().out_units, 8u);
  EXPECT_EQ(pool_->Stats().takes, 8u);
  Slab* one = out_[3];
  Put(one);
  EXPECT_EQ(Take(1), one);
  while (!out_.empty()) Put(out_.back());
  EXPECT_EQ(held(), 8u);
}

TEST_F(PagePoolTest, ServesEveryOrderAndMergesWhatComesBack) {
  Create(16, 8);
  ExhaustArena();
  for (int round = 0; round < 3; ++round) {
    for (const size_t units : {1u, 2u, 4u, 1u, 8u}) {
      Slab* run = Take(units);
      ASSERT_NE(run, nullptr) << units;
      EXPECT_EQ(reinterpret_cast<uintptr_t>(run->objects) % (units * kUnitSize), 0u);
      Dirty(run);
      Check();
    }
    EXPECT_EQ(held(), 0u);
    // Single units lie between the larger ones: no run of 8, though there will be more than 8 units.
    Put(out_[4]);
    ASSERT_NE(Take(1), nullptr);
    Put(out_[1]);
    Put(out_[1]);
    EXPECT_EQ(held(), 13u);
    EXPECT_EQ(Take(8), nullptr);
    EXPECT_NE(Take(4), nullptr);
    while (!out_.empty()) Put(out_.front());
    EXPECT_EQ(held(), 16u);
    EXPECT_NE(Take(8), nullptr);
    EXPECT_NE(Take(8), nullptr);
    while (!out_.empty()) Put(out_.front());
  }
}

TEST_F(PagePoolTest, SmallRunsLeaveWholeBlocksWhole) {
  Create(24, 8);
  for (int i = 0; i < 8; ++i) ASSERT_NE(Take(1), nullptr);
  EXPECT_NE(Take(8), nullptr);
  EXPECT_NE(Take(8), nullptr);
}

TEST_F(PagePoolTest, ARunLooksLikeOneOfTheArena) {
  Create(8, 8);
  for (int round = 0; round < 2; ++round) {
    Slab* low = Take(2);
    Slab* high = Take(4);
    for (Slab* run : {low, high}) {
      EXPECT_TRUE(IsZero(run));
      EXPECT_EQ(run->state, SlabState::kUnused);
      EXPECT_EQ(run->owner, nullptr);
      EXPECT_EQ(run->live, 0);
      EXPECT_FALSE(run->marked());
      for (size_t i = 0; i < run->units; ++i) EXPECT_EQ(arena_->SlabOf(run->objects + i * kUnitSize), run);
      Dirty(run);
      run->state = SlabState::kListed;
      run->live = 7;
      run->SetMarked(true);
    }
    EXPECT_EQ(low->units, 2);
    EXPECT_EQ(high->units, 4);
    Check();
    Put(low);
    Put(high);
  }
}

TEST_F(PagePoolTest, ReadsAsZeroHoweverItIsCutAgain) {
  Create(8, 8);
  for (const size_t units : {8u, 2u, 1u, 4u, 8u}) {
    while (Slab* run = Take(units)) {
      ASSERT_TRUE(IsZero(run)) << units;
      Dirty(run);
    }
    while (!out_.empty()) Put(out_.back());
    Check();
  }
}

TEST_F(PagePoolTest, PagesOfTheReserveAreThere) {
  Create(16, 4);
  EXPECT_EQ(ResidentUnits(), 16u) << "before anybody touched them";
  Slab* run = Take(4);
  EXPECT_EQ(ResidentUnits(), 16u);
  Dirty(run);
  Put(run);
  EXPECT_EQ(ResidentUnits(), 16u) << "cleared, not given to the system";
}

TEST_F(PagePoolTest, GrowsWithRunsOutAndGivesTheSurplusBackWhenTheyReturn) {
  Create(16, 8);
  Slab* small = Take(1);
  Slab* large = Take(8);
  ASSERT_TRUE(pool_->Resize(32).ok());
  EXPECT_EQ(pool_->Stats().target_units, 32u);
  EXPECT_GE(held(), 32u) << "what is out does not count";
  Check();
  Put(large);
  Put(small);
  EXPECT_EQ(held(), 32u);
  EXPECT_EQ(arena_->units_held(), 32u) << "the surplus is the arena's";
  EXPECT_EQ(ResidentUnits(), 32u);
}

TEST_F(PagePoolTest, ShrinksAtOnceByWhatIsWholeAndLaterByTheRest) {
  Create(32, 8);
  std::vector<Slab*> runs;
  for (int i = 0; i < 3; ++i) runs.push_back(Take(8));
  ASSERT_TRUE(pool_->Resize(8).ok());
  EXPECT_EQ(held(), 8u);
  Put(runs[0]);
  EXPECT_EQ(arena_->units_held(), 24u) << "above the target: to the arena";
  ASSERT_TRUE(pool_->Resize(0).ok());
  EXPECT_EQ(held(), 0u);
  EXPECT_EQ(arena_->units_held(), 16u);
  Put(runs[1]);
  Put(runs[2]);
  EXPECT_EQ(arena_->units_held(), 0u);
  EXPECT_EQ(Take(1), nullptr);
}

TEST_F(PagePoolTest, GrowingMayFallShortAndIsFilledLater) {
  Create(8, 8);
  ExhaustArena();
  ASSERT_EQ(ordinary_.size(), 3u) << "runs of 32, 16 and 8 units";
  std::vector<Slab*> runs{ordinary_[2]};
  arena_->FreeRuns(runs);
  const absl::Status status = pool_->Resize(40);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("page pool io holds 16 of 40 units"));
  EXPECT_EQ(pool_->Stats().target_units, 40u);
  runs = {ordinary_[1]};
  EXPECT_TRUE(pool_->Offer(runs));
  EXPECT_TRUE(runs.empty());
  EXPECT_EQ(held(), 32u);
  EXPECT_EQ(pool_->Refill().code(), absl::StatusCode::kResourceExhausted);
  runs = {ordinary_[0]};
  arena_->FreeRuns(runs);
  ordinary_.clear();
  EXPECT_TRUE(pool_->Refill().ok());
  EXPECT_EQ(held(), 40u);
}

TEST_F(PagePoolTest, RefusesToGrowBeyondItsArenaAndStaysAsItIs) {
  Create(8, 8);
  EXPECT_EQ(pool_->Resize(~size_t{0}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(pool_->Stats().target_units, 8u);
  EXPECT_EQ(held(), 8u);
}

TEST_F(PagePoolTest, RefillReplacesWhatIsOut) {
  Create(16, 8);
  Slab* run = Take(8);
  EXPECT_EQ(held(), 8u) << "taking asks nobody";
  EXPECT_EQ(arena_->units_held(), 16u);
  ASSERT_TRUE(pool_->Refill().ok());
  EXPECT_EQ(held(), 16u);
  Put(run);
  EXPECT_EQ(held(), 16u);
  EXPECT_EQ(arena_->units_held(), 16u);
}

TEST_F(PagePoolTest, KeepsOfferedRunsItIsShortOf) {
  Create(16, 4);
  std::vector<Slab*> offered{arena_->AllocateRun(4)};
  EXPECT_FALSE(pool_->Offer(offered)) << "it has all it needs";
  EXPECT_EQ(offered.size(), 1u);
  for (int i = 0; i < 3; ++i) ASSERT_NE(Take(4), nullptr);
  // Too small, just right, and cut in four of which two are too many.
  offered.push_back(arena_->AllocateRun(2));
  offered.push_back(arena_->AllocateRun(16));
  for (Slab* run : offered) Dirty(run);
  offered[0]->owner = reinterpret_cast<CacheCore*>(this);
  EXPECT_TRUE(pool_->Offer(offered));
  EXPECT_EQ(held(), 16u);
  size_t rest = 0;
  for (const Slab* run : offered) rest += run->units;
  EXPECT_EQ(rest, 2u + 8u);
  Check();
  arena_->FreeRuns(offered);
  Check();
  while (Slab* run = Take(4)) EXPECT_TRUE(IsZero(run));
  EXPECT_EQ(out_.size(), 7u);
}

TEST_F(PagePoolTest, AnOfferedRunBecomesResident) {
  Create(8, 8);
  Take(8);
  std::vector<Slab*> offered{arena_->AllocateRun(8)};
  ASSERT_EQ(ResidentUnits(), 8u) << "nobody has touched it";
  EXPECT_TRUE(pool_->Offer(offered));
  EXPECT_EQ(ResidentUnits(), 16u);
}

TEST_F(PagePoolTest, NoticesAWriteToTheReserve) {
  Create(1, 1);
  Slab* run = Take(1);
  Put(run);
  run->objects[100] = 1;
  EXPECT_THAT(pool_->CheckInvariants().message(), HasSubstr("P2"));
  run->objects[100] = 0;
}

class PagePoolDeathTest : public PagePoolTest {
 protected:
  PagePoolDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(PagePoolDeathTest, TakesBackOnlyItsOwnRunsOnce) {
  Create(8, 4);
  Slab* run = Take(2);
  EXPECT_DEATH(pool_->Put(arena_->AllocateRun(2)), "page pool that it is not from");
  EXPECT_DEATH(
      {
        pool_->Put(run);
        pool_->Put(run);
      },
      "page pool that is not out");
  EXPECT_DEATH(pool_->Put(arena_->SlabOf(run->objects + 2 * kUnitSize)), "page pool that is not out");
  EXPECT_DEATH(
      {
        run->units = 1;
        pool_->Put(run);
      },
      "page pool that is not out");
}

TEST_F(PagePoolDeathTest, TakesBackNothingThatACacheStillUses) {
  Create(2, 2);
  Slab* run = Take(2);
  EXPECT_DEATH(
      {
        run->maps = new uint64_t[2];
        pool_->Put(run);
      },
      "a cache still uses");
}

TEST_F(PagePoolDeathTest, ARunFitsABlock) {
  Create(8, 4);
  EXPECT_DEATH(Take(8), "power of two of units up to its largest");
  EXPECT_DEATH(Take(3), "power of two of units up to its largest");
  EXPECT_DEATH(Take(0), "power of two of units up to its largest");
}

TEST_F(PagePoolDeathTest, IsNotDestroyedWithRunsOut) {
  Create(8, 4);
  EXPECT_DEATH(
      {
        pool_->Take(2);
        pool_.reset();
      },
      "page pool io destroyed with 2 units out");
}

}  // namespace
}  // namespace mxa::slab
