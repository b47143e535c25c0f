// SPDX-License-Identifier: Apache-2.0
//
// A move target hands out its destinations in order and counts what became of each object.
#include "reclaim/movable.h"

#include <array>
#include <atomic>
#include <vector>

#include "gtest/gtest.h"

namespace mxa::reclaim {
namespace {

class MoveTargetTest : public testing::Test {
 protected:
  size_t Count(const MoveTarget& target, MoveResult result) { return target.results()[static_cast<size_t>(result)]; }

  std::array<int, 3> places_{};
  std::array<int, 4> objects_{};
  std::vector<void*> destinations_{&places_[0], &places_[1], &places_[2]};
};

TEST_F(MoveTargetTest, AMoveUsesUpOneDestination) {
  MoveTarget target(destinations_);
  EXPECT_EQ(target.destination(), &places_[0]);
  EXPECT_EQ(target.destination(2), &places_[2]);
  EXPECT_EQ(target.destination(3), nullptr);
  target.Settle(&objects_[0], MoveResult::kMoved);
  EXPECT_EQ(target.destination(), &places_[1]);
  EXPECT_EQ(target.destination(2), nullptr);
  EXPECT_EQ(target.taken().size(), 1u);
}

TEST_F(MoveTargetTest, OtherResultsUseNone) {
  MoveTarget target(destinations_);
  target.Settle(&objects_[0], MoveResult::kBusy);
  target.Settle(&objects_[1], MoveResult::kPinned);
  target.Settle(&objects_[2], MoveResult::kGone);
  EXPECT_EQ(target.destination(), &places_[0]);
  EXPECT_EQ(target.taken().size(), 0u);
  EXPECT_TRUE(target.moved().empty());
}

TEST_F(MoveTargetTest, CountsByResult) {
  MoveTarget target(destinations_);
  target.Settle(&objects_[0], MoveResult::kMoved);
  target.Settle(&objects_[1], MoveResult::kBusy);
  target.Settle(&objects_[2], MoveResult::kMoved);
  target.Settle(&objects_[3], MoveResult::kGone);
  EXPECT_EQ(Count(target, MoveResult::kMoved), 2u);
  EXPECT_EQ(Count(target, MoveResult::kBusy), 1u);
  EXPECT_EQ(Count(target, MoveResult::kPinned), 0u);
  EXPECT_EQ(Count(target, MoveResult::kGone), 1u);
  EXPECT_EQ(target.moved(), (std::vector<void*>{&objects_[0], &objects_[2]}));
}

TEST_F(MoveTargetTest, AnUnpinOnlyTargetTakesRefusals) {
  const std::atomic<bool> cancelled{true};
  MoveTarget target(destinations_, &cancelled);
  EXPECT_TRUE(target.unpin_only());
  target.Settle(&objects_[0], MoveResult::kBusy);
  EXPECT_EQ(Count(target, MoveResult::kBusy), 1u);
}

using MoveTargetDeathTest = MoveTargetTest;

TEST_F(MoveTargetDeathTest, NothingMovesWithoutADestination) {
  MoveTarget target({});
  EXPECT_DEATH(target.Settle(&objects_[0], MoveResult::kMoved), "moved without a destination");
}

TEST_F(MoveTargetTest, CancellingIsSeenBetweenObjects) {
  std::atomic<bool> cancelled{false};
  MoveTarget target(destinations_, &cancelled);
  EXPECT_FALSE(target.unpin_only());
  target.Settle(&objects_[0], MoveResult::kMoved);
  cancelled = true;
  EXPECT_TRUE(target.unpin_only());
  target.Settle(&objects_[1], MoveResult::kBusy);
  EXPECT_EQ(target.moved().size(), 1u);
}

TEST_F(MoveTargetTest, InOrderEachObjectHasAPlaceOfItsOwn) {
  void* const objects[] = {&objects_[0], nullptr, &objects_[2], &objects_[3]};
  void* const places[] = {&places_[0], nullptr, &places_[1], nullptr};
  MoveTarget target(objects, places, nullptr, nullptr);
  EXPECT_EQ(target.destination_for(&objects_[0]), &places_[0]);
  target.Settle(&objects_[0], MoveResult::kBusy);
  EXPECT_EQ(target.destination_for(&objects_[2]), &places_[1]);
  target.Settle(&objects_[2], MoveResult::kMoved);
  EXPECT_EQ(target.destination_for(&objects_[3]), nullptr);
  // Asked again for one that was busy.
  EXPECT_EQ(target.destination_for(&objects_[0]), &places_[0]);
  target.Settle(&objects_[0], MoveResult::kMoved);
  EXPECT_EQ(target.moved(), (std::vector<void*>{&objects_[2], &objects_[0]}));
  EXPECT_EQ(target.taken(), (std::vector<void*>{&places_[1], &places_[0]}));
}

TEST_F(MoveTargetTest, ThePassMayRestBetweenObjects) {
  struct Counter final : Pacer {
    bool IsDue(uint64_t) const override { return offers < 2; }
    void Offer() override { ++offers; }
    int offers = 0;
  } counter;
  MoveTarget target(destinations_, nullptr, &counter);
  target.BetweenObjects();
  target.BetweenObjects();
  EXPECT_EQ(counter.offers, 2);
}

}  // namespace
}  // namespace mxa::reclaim
