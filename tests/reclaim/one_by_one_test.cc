// SPDX-License-Identifier: Apache-2.0
//
// One by one: what phase 1 keeps, how often phase 2 tries, and what it leaves alone.
#include "reclaim/one_by_one.h"

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <vector>

#include "gtest/gtest.h"

namespace mxa::reclaim {
namespace {

class Mover final : public OneByOne {
 public:
  std::function<bool(const void*)> may_move = [](const void*) { return true; };
  std::function<MoveResult(const void*)> move = [](const void*) { return MoveResult::kMoved; };
  std::map<const void*, int> tried;

 private:
  bool MayMove(const void* object) override { return may_move(object); }
  MoveResult Move(void* object, void*) override {
    ++tried[object];
    return move(object);
  }
};

class OneByOneTest : public testing::Test {
 protected:
  OneByOneTest() {
    for (size_t i = 0; i < places_.size(); ++i) {
      objects_.push_back(&places_[i]);
      destinations_.push_back(&other_places_[i]);
    }
  }
  static size_t Count(const MoveTarget& target, MoveResult result) {
    return target.results()[static_cast<size_t>(result)];
  }

  std::array<char, 10> places_;
  std::array<char, 10> other_places_;
  std::vector<void*> objects_;
  std::vector<void*> destinations_;
  Mover mover_;
};

TEST_F(OneByOneTest, Phase1TakesOutWhatMayNotMove) {
  objects_[1] = nullptr;
  mover_.may_move = [this](const void* object) { return object != &places_[3]; };
  EXPECT_TRUE(mover_.CanFree(absl::MakeSpan(objects_)));
  EXPECT_EQ(objects_[3], nullptr);
  MoveTarget target(destinations_);
  mover_.Reclaim(absl::MakeSpan(objects_), target);
  EXPECT_EQ(target.moved().size(), 8u);
  EXPECT_EQ(mover_.tried.count(&places_[3]), 0u);
}

TEST_F(OneByOneTest, TriesTheBusyOnceMoreAtTheEnd) {
  mover_.move = [this](const void* object) {
    if (object == &places_[2]) return MoveResult::kBusy;
    if (object == &places_[4]) return mover_.tried[object] == 1 ? MoveResult::kBusy : MoveResult::kMoved;
    return object == &places_[6] ? MoveResult::kPinned : MoveResult::kMoved;
  };
  MoveTarget target(destinations_);
  mover_.Reclaim(absl::MakeSpan(objects_), target);
  EXPECT_EQ(mover_.tried[&places_[2]], 2);
  EXPECT_EQ(mover_.tried[&places_[4]], 2);
  EXPECT_EQ(mover_.tried[&places_[6]], 1);
  EXPECT_EQ(target.moved().back(), &places_[4]);
  EXPECT_EQ(Count(target, MoveResult::kBusy), 1u);
  EXPECT_EQ(Count(target, MoveResult::kPinned), 1u);
  EXPECT_EQ(Count(target, MoveResult::kMoved), 8u);
}

TEST_F(OneByOneTest, LeavesTheRestWhenDestinationsRunOut) {
  destinations_.resize(3);
  MoveTarget target(destinations_);
  mover_.Reclaim(absl::MakeSpan(objects_), target);
  EXPECT_EQ(Count(target, MoveResult::kMoved), 3u);
  EXPECT_EQ(Count(target, MoveResult::kBusy), 7u);
}

TEST_F(OneByOneTest, MovesNothingAfterACancel) {
  std::atomic<bool> cancel{false};
  mover_.move = [&](const void* object) {
    if (object == &places_[1]) return MoveResult::kBusy;
    if (object == &places_[4]) cancel = true;
    return MoveResult::kMoved;
  };
  MoveTarget target(destinations_, &cancel);
  mover_.Reclaim(absl::MakeSpan(objects_), target);
  EXPECT_EQ(Count(target, MoveResult::kMoved), 4u);
  EXPECT_EQ(Count(target, MoveResult::kBusy), 6u);
  EXPECT_EQ(mover_.tried[&places_[1]], 1) << "tried again after the cancel";
  EXPECT_EQ(mover_.tried.count(&places_[5]), 0u);
}

}  // namespace
}  // namespace mxa::reclaim
