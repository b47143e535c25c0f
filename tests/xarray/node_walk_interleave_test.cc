// SPDX-License-Identifier: Apache-2.0
//
// A walk over nodes, and all of them move, or the tree changes its height, while it looks at one of them.
//
//   1  the walk reads some slots of a node
//   2  that node and all others move, twice, so that the first copies say retry too; or the tree grows, or shrinks
//   3  the walk goes on: what is in the tree all the time is met once
#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "base/schedule_point.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/array_core_peer.h"
#include "tests/support/motion.h"
#include "xarray/array_core.h"
#include "xarray/node_cache.h"
#include "xarray/node_walk.h"

namespace mxa::xarray {
namespace {

constexpr uint64_t kIndices[] = {0, 63, 64, 4096, 262143};
constexpr uint64_t kHigh = uint64_t{1} << 30;

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

enum class What { kMove, kGrow, kShrink };

struct Interruption {
  NodeCache* nodes;
  ArrayCore* array;
  What what;
  unsigned at;
  unsigned calls = 0;
};
Interruption* interruption = nullptr;

void Interrupt(const char* point) {
  if (std::strcmp(point, "node_walk.slot") != 0 || interruption->calls++ != interruption->at) return;
  switch (interruption->what) {
    case What::kMove:
      for (int i = 0; i < 2; ++i) tests::MoveAllNodes(*interruption->array, *interruption->nodes);
      return;
    case What::kGrow:
      ASSERT_TRUE(interruption->array->Store(kHigh, ValueEntry(1)).ok());
      return;
    case What::kShrink:
      interruption->array->Erase(kHigh);
      return;
  }
}

using Places = std::multiset<std::pair<unsigned, uint64_t>>;  // of nodes: height and first index

class NodeWalkInterleaveTest : public testing::TestWithParam<What> {
 protected:
  // Walks, and is interrupted after so many slots. Returns whether it was.
  bool Walk(unsigned at, Places* places) {
    ArrayCore array(*nodes_);
    for (const uint64_t index : kIndices) EXPECT_TRUE(array.Store(index, ValueEntry(index)).ok());
    EXPECT_TRUE(GetParam() != What::kShrink || array.Store(kHigh, ValueEntry(1)).ok());
    Interruption here = {nodes_.get(), &array, GetParam(), at};
    interruption = &here;
    SetScheduleHandlerForTest(&Interrupt);
    const absl::Cleanup end = [] { SetScheduleHandlerForTest(nullptr); };
    reclaim::ReadSection section;
    NodeWalk walk(array);
    for (NodeMet met; walk.Next(met);) places->insert({met.height, met.first});
    return here.calls > at;
  }

  std::unique_ptr<NodeCache> nodes_ = NodeCache::Create().value();
};

TEST_P(NodeWalkInterleaveTest, MeetsWhatStaysOnce) {
  const Places stay = {{3, 0}, {2, 0}, {1, 0}, {1, 64}, {2, 4096}, {1, 4096}, {2, 258048}, {1, 262080}};
  const Places with_high = {{6, 0}, {5, 0}, {4, 0}, {5, kHigh}, {4, kHigh}, {3, kHigh}, {2, kHigh}, {1, kHigh}};
  bool was_interrupted = true;
  for (unsigned at = 0; was_interrupted; at += 7) {
    Places places;
    was_interrupted = Walk(at, &places);
    for (const auto& place : stay) EXPECT_EQ(places.count(place), 1u) << place.first << " " << place.second;
    EXPECT_TRUE(GetParam() != What::kMove || places == stay) << at;
    for (const auto& place : places) {
      EXPECT_TRUE(stay.count(place) + with_high.count(place) == 1 && places.count(place) == 1)
          << place.first << " " << place.second;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Changes, NodeWalkInterleaveTest, testing::Values(What::kMove, What::kGrow, What::kShrink));

}  // namespace
}  // namespace mxa::xarray
