// SPDX-License-Identifier: Apache-2.0
//
// An Ida with few IDs free agrees with a std::set of them, whichever of its chunks it knows to be full: IDs come back
// below, in and above the open chunk, chunks empty, limits begin anywhere.
#include <cstdint>
#include <memory>
#include <optional>
#include <set>

#include "gtest/gtest.h"
#include "tests/support/ida_peer.h"
#include "tests/support/motion.h"
#include "tests/support/random.h"
#include "xarray/full_stretch.h"
#include "xarray/id_bitmap_cache.h"
#include "xarray/ida.h"
#include "xarray/node_cache.h"

namespace mxa::tests {
namespace {

using xarray::Ida;
using xarray::IdLimit;
using xarray::kChunkIds;

constexpr uint64_t kChunks = 70;  // more than a node has
constexpr uint64_t kIds = kChunks * kChunkIds;

class FewFreeIds {
 public:
  FewFreeIds(uint64_t seed, xarray::NodeCache& nodes, xarray::IdBitmapCache& bitmaps)
      : random_(seed), nodes_(nodes), ida_(nodes, bitmaps) {
    for (uint64_t id = 0; id < kIds; ++id) EXPECT_EQ(ida_.Allocate().value(), id);
  }

  void Step() {
    const uint64_t kind = random_.Below(1000);
    if (kind < 450) {
      if (free_.size() < 6) Free(PickId());
    } else if (kind < 995) {
      Allocate();
    } else if (kind < 998) {
      // All of a chunk, so that it goes, and most of it again.
      const uint64_t first = random_.Below(kChunks) * kChunkIds;
      for (uint64_t id = first; id < first + kChunkIds; ++id) Free(id);
      ASSERT_EQ(ida_.CheckInvariants(), absl::OkStatus());
      for (uint64_t left = kChunkIds - random_.Below(3); left > 0; --left) Take({first, kIds - 1});
    } else {
      MoveAllNodes(xarray::IdaPeer::Chunks(ida_), nodes_);
    }
    ASSERT_EQ(ida_.CheckInvariants(), absl::OkStatus());
  }

 private:
  // Mostly of a few chunks, so that one is chosen again soon.
  uint64_t PickId() { return random_.OneIn(4) ? random_.Below(kIds) : random_.Below(4) * 17 * kChunkIds + 5; }

  void Free(uint64_t id) {
    if (!free_.insert(id).second) return;
    ida_.Free(id);
    EXPECT_FALSE(ida_.Exists(id));
  }

  void Allocate() {
    IdLimit limit = {0, kIds - 1};
    if (random_.OneIn(3)) limit.min = PickId();
    if (random_.OneIn(8)) limit.max = PickId();
    Take(limit);
  }

  void Take(IdLimit limit) {
    const auto expected = limit.min > limit.max ? free_.end() : free_.lower_bound(limit.min);
    const absl::StatusOr<uint64_t> got = ida_.Allocate(limit);
    if (expected == free_.end() || *expected > limit.max) {
      EXPECT_EQ(got.status().code(), absl::StatusCode::kOutOfRange) << limit.min << " to " << limit.max;
      return;
    }
    ASSERT_TRUE(got.ok()) << limit.min << " to " << limit.max;
    EXPECT_EQ(*got, *expected) << limit.min << " to " << limit.max;
    EXPECT_TRUE(ida_.Exists(*got));
    free_.erase(expected);
  }

  Random random_;
  xarray::NodeCache& nodes_;
  Ida ida_;
  std::set<uint64_t> free_;  // of the IDs below kIds
};

TEST(FullStretchModelTest, FewIdsAreFree) {
  const std::unique_ptr<xarray::NodeCache> nodes = xarray::NodeCache::Create().value();
  const std::unique_ptr<xarray::IdBitmapCache> bitmaps = xarray::IdBitmapCache::Create().value();
  for (uint64_t run = 0; run < 3; ++run) {
    const uint64_t seed = TestSeed(7100 + run);
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    FewFreeIds model(seed, *nodes, *bitmaps);
    for (int step = 0; step < 3000 && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE(testing::Message() << "step " << step);
      model.Step();
    }
  }
}

// --- What the stretch itself answers, step by step.

class FullStretchTest : public testing::Test {
 protected:
  xarray::FullStretch stretch_;
  xarray::IdBitmap bitmap_;
  xarray::IdBitmap other_;
};

TEST_F(FullStretchTest, KnowsNothingAtFirst) {
  EXPECT_EQ(stretch_.OpenFrom(0), nullptr);
  EXPECT_EQ(stretch_.Settle(), std::nullopt);
  EXPECT_EQ(stretch_.Opened(0, &bitmap_), 0u) << "a search must find it";
  EXPECT_EQ(stretch_.OpenFrom(0), nullptr);
}

TEST_F(FullStretchTest, AnIdGivenBackBelowIsHandedOutNextWithoutMarks) {
  stretch_.Found(0, 9, &bitmap_);
  EXPECT_EQ(stretch_.OpenFrom(0), &bitmap_);
  EXPECT_EQ(stretch_.OpenFrom(9), &bitmap_);
  EXPECT_EQ(stretch_.OpenFrom(10), nullptr);
  EXPECT_EQ(stretch_.Opened(4, &other_), std::nullopt) << "the one at 9 has its mark already";
  EXPECT_EQ(stretch_.OpenFrom(4), &other_);
  EXPECT_EQ(stretch_.OpenFrom(5), nullptr);
  EXPECT_FALSE(stretch_.FillOpen()) << "it had no mark";
  EXPECT_EQ(stretch_.Opened(8, &other_), std::nullopt) << "all up to 9 are still known to be full";
  EXPECT_EQ(stretch_.OpenFrom(0), &other_);
}

TEST_F(FullStretchTest, WhatItGivesUpIsMarked) {
  stretch_.Found(0, 9, &bitmap_);
  EXPECT_EQ(stretch_.Opened(7, &bitmap_), std::nullopt);
  EXPECT_EQ(stretch_.Opened(3, &other_), 7u);
  EXPECT_EQ(stretch_.Opened(5, &bitmap_), 5u) << "not the lowest";
  EXPECT_EQ(stretch_.Settle(), 3u);
  EXPECT_EQ(stretch_.Settle(), std::nullopt);
  EXPECT_TRUE(stretch_.FillOpen());
  EXPECT_EQ(stretch_.Opened(5, &bitmap_), 5u) << "no longer of the stretch";
}

TEST_F(FullStretchTest, EndsWhereAChunkIsEmptied) {
  stretch_.Found(0, 9, &bitmap_);
  stretch_.Emptied(20);
  EXPECT_EQ(stretch_.OpenFrom(0), &bitmap_);
  stretch_.Emptied(9);
  EXPECT_EQ(stretch_.OpenFrom(0), nullptr);
  EXPECT_EQ(stretch_.size(), 9u);
}

TEST_F(FullStretchTest, SearchesThatMeetAreOneStretch) {
  stretch_.Found(2, 5, nullptr);
  EXPECT_EQ(stretch_.size(), 3u);
  stretch_.Found(4, 7, nullptr);
  EXPECT_EQ(stretch_.size(), 5u);
  EXPECT_TRUE(stretch_.Contains(2));
  stretch_.Found(8, 9, nullptr);
  EXPECT_EQ(stretch_.size(), 1u);
  EXPECT_FALSE(stretch_.Contains(2));
}

}  // namespace
}  // namespace mxa::tests
