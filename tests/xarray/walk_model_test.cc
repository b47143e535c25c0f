// SPDX-License-Identifier: Apache-2.0
//
// Every step of a cursor, every range, find and count is what a std::map says, while the array changes between steps
// and its nodes stand still, move after every operation, or are moved all the time by a pass beside.
#include "tests/support/walk_model.h"

#include <atomic>
#include <memory>
#include <string>
#include <tuple>

#include "gtest/gtest.h"
#include "tests/support/random.h"
#include "tests/support/thread_group.h"
#include "xarray/node_cache.h"

namespace mxa::tests {
namespace {

enum class Moves { kNone, kEveryNode, kCompactor };

class WalkModelTest : public testing::TestWithParam<std::tuple<IndexShape, Moves>> {
 protected:
  WalkModelTest() {
    if (std::get<1>(GetParam()) != Moves::kCompactor) return;
    compactor_.Start("compactor", [this] {
      slab::CompactOptions options;
      options.mode = slab::CompactOptions::Mode::kMoveEverything;
      while (!stop_.load(std::memory_order_relaxed)) {
        const auto stats = nodes_->slabs().Compact(options);
        ASSERT_TRUE(stats.ok()) << stats.status();
        moved_ += stats->objects_moved;
      }
    });
  }
  ~WalkModelTest() override {
    stop_.store(true, std::memory_order_relaxed);
    compactor_.JoinAll();
    EXPECT_EQ(nodes_->slabs().CheckInvariants(), absl::OkStatus());
  }

  std::unique_ptr<xarray::NodeCache> nodes_ = xarray::NodeCache::Create().value();
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> moved_{0};
  ThreadGroup compactor_;
};

TEST_P(WalkModelTest, EveryStepIsWhatAMapSays) {
  const auto [shape, moves] = GetParam();
  const bool moves_all = moves == Moves::kEveryNode;
  for (uint64_t run = 0; run < 12; ++run) {
    WalkModel model(TestSeed(4000 + run), shape, moves_all, *nodes_);
    ASSERT_EQ(model.Run(run == 0 ? (moves_all ? 1500 : 20000) : 300), absl::OkStatus());
  }
  if (moves != Moves::kCompactor) return;
  // On until the pass beside has come to something.
  for (uint64_t run = 0; moved_ < 100 && run < 10000; ++run) {
    WalkModel model(TestSeed(5000 + run), shape, false, *nodes_);
    ASSERT_EQ(model.Run(300), absl::OkStatus());
  }
  EXPECT_GE(moved_, 100u);
}

std::string NameOf(const testing::TestParamInfo<std::tuple<IndexShape, Moves>>& info) {
  static constexpr const char* kShapes[] = {"Dense", "Clustered", "Sparse", "Extreme"};
  static constexpr const char* kMoves[] = {"Still", "EveryNodeMoves", "CompactorRuns"};
  return std::string(kShapes[static_cast<size_t>(std::get<0>(info.param))]) +
         kMoves[static_cast<size_t>(std::get<1>(info.param))];
}

INSTANTIATE_TEST_SUITE_P(Shapes, WalkModelTest,
                         testing::Combine(testing::Values(IndexShape::kDense, IndexShape::kClustered,
                                                          IndexShape::kSparse, IndexShape::kExtreme),
                                          testing::Values(Moves::kNone, Moves::kEveryNode, Moves::kCompactor)),
                         NameOf);

}  // namespace
}  // namespace mxa::tests
