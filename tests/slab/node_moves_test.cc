// SPDX-License-Identifier: Apache-2.0
//
// Which slabs go to which node. Properties, over random heaps on one to five nodes:
//   M1  no slab is chosen twice, and none that is empty.
//   M2  packing and moving everything keep each object on its node, and what packing moves fits there.
//   M3  moving to a node takes all slabs with objects of the nodes to leave, and no other.
//   M4  after balancing, nodes differ by less than a slab's objects, or by exactly these and only full slabs could go.
//   M5  balancing moves what some nodes have above the mean, a slab more a node at most, and nothing when done again.
//   M6  moves to one node stand together.
#include "slab/node_moves.h"

#include <algorithm>
#include <deque>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "slab/victims.h"

namespace mxa::slab {
namespace {

using Mode = CompactOptions::Mode;

constexpr size_t kCapacity = 113;

class NodeMovesTest : public testing::Test {
 protected:
  void Add(int node, size_t live) { listed_.push_back({&slabs_.emplace_back(), live, random_() % 8, node}); }
  // Slabs of random occupancy, empty ones among them, unevenly spread over one to five nodes.
  void Scatter(uint32_t seed) {
    random_.seed(seed);
    listed_.clear();
    slabs_.clear();
    nodes_ = 1 + random_() % 5;
    for (int node = 0; node < static_cast<int>(nodes_); ++node) {
      const size_t most = random_() % 3 == 0 ? kCapacity : 1 + random_() % kCapacity;
      for (size_t slabs = random_() % 40; slabs > 0; --slabs)
        Add(node, most == kCapacity ? most : random_() % (most + 1));
    }
    std::shuffle(listed_.begin(), listed_.end(), random_);
  }
  std::vector<PlannedMove> Plan(const CompactOptions& options) const {
    std::vector<PlannedMove> moves = PlanMoves(listed_, kCapacity, options, nodes_);
    std::set<const Slab*> seen;
    std::set<int> left;
    int to = -1;
    for (const PlannedMove& move : moves) {
      EXPECT_TRUE(seen.insert(move.slab).second) << "M1";
      EXPECT_GT(ChoiceOf(move.slab).live, 0u) << "M1";
      EXPECT_GE(move.to, 0);
      EXPECT_LT(move.to, static_cast<int>(nodes_));
      if (move.to != to) {
        EXPECT_TRUE(left.insert(to).second) << "M6";
      }
      EXPECT_FALSE(left.contains(move.to)) << "M6";
      to = move.to;
    }
    return moves;
  }
  const SlabStore::Choice& ChoiceOf(const Slab* slab) const {
    return *std::find_if(listed_.begin(), listed_.end(), [&](const auto& choice) { return choice.slab == slab; });
  }
  std::vector<size_t> Live() const {
    std::vector<size_t> live(nodes_);
    for (const auto& choice : listed_) live[static_cast<size_t>(choice.node)] += choice.live;
    return live;
  }
  // Makes the moves, into new slabs each.
  void Make(const std::vector<PlannedMove>& moves) {
    for (const PlannedMove& move : moves) {
      auto choice = std::find_if(listed_.begin(), listed_.end(), [&](const auto& c) { return c.slab == move.slab; });
      choice->node = move.to;
    }
  }
  static size_t Spread(const std::vector<size_t>& live) {
    return *std::max_element(live.begin(), live.end()) - *std::min_element(live.begin(), live.end());
  }

  size_t nodes_ = 1;
  std::mt19937 random_;
  std::deque<Slab> slabs_;
  std::vector<SlabStore::Choice> listed_;
};

TEST_F(NodeMovesTest, PackingKeepsToEachNode) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Scatter(seed);
    std::vector<size_t> to_move(nodes_);
    std::vector<size_t> room(nodes_);
    for (const auto& choice : listed_) room[static_cast<size_t>(choice.node)] += kCapacity - choice.live;
    for (const PlannedMove& move : Plan({})) {
      ASSERT_EQ(ChoiceOf(move.slab).node, move.to) << "M2";
      to_move[static_cast<size_t>(move.to)] += ChoiceOf(move.slab).live;
      room[static_cast<size_t>(move.to)] -= kCapacity - ChoiceOf(move.slab).live;
    }
    for (size_t node = 0; node < nodes_; ++node) ASSERT_LE(to_move[node], room[node]) << "M2";
  }
}

TEST_F(NodeMovesTest, OnOneNodePackingIsVictimChoice) {
  nodes_ = 1;
  for (size_t live = 1; live < 60; ++live) Add(0, live);
  const std::vector<Slab*> victims = ChooseVictims(listed_, kCapacity, {.mode = Mode::kPack});
  const std::vector<PlannedMove> moves = Plan({});
  ASSERT_EQ(moves.size(), victims.size());
  for (size_t i = 0; i < moves.size(); ++i) EXPECT_EQ(moves[i].slab, victims[i]);
}

TEST_F(NodeMovesTest, MovingEverythingKeepsToEachNode) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    Scatter(seed);
    const std::vector<PlannedMove> moves = Plan({.mode = Mode::kMoveEverything});
    for (const PlannedMove& move : moves) ASSERT_EQ(ChoiceOf(move.slab).node, move.to) << "M2";
    const auto holding = std::count_if(listed_.begin(), listed_.end(), [](const auto& c) { return c.live != 0; });
    ASSERT_EQ(moves.size(), static_cast<size_t>(holding));
  }
}

TEST_F(NodeMovesTest, MovingToANodeEmptiesTheNodesToLeave) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Scatter(seed);
    const int to = static_cast<int>(random_() % nodes_);
    const int from = static_cast<int>(random_() % (nodes_ + 1)) - 1;
    if (from == to) continue;
    const std::vector<PlannedMove> moves = Plan({.mode = Mode::kMoveToNode, .from_node = from, .to_node = to});
    size_t expected = 0;
    for (const auto& choice : listed_) {
      if (choice.live != 0 && choice.node != to && (from == kAnyNode || choice.node == from)) ++expected;
    }
    ASSERT_EQ(moves.size(), expected) << "M3";
    for (const PlannedMove& move : moves) {
      ASSERT_EQ(move.to, to);
      ASSERT_NE(ChoiceOf(move.slab).node, to) << "M3";
      if (from != kAnyNode) {
        ASSERT_EQ(ChoiceOf(move.slab).node, from) << "M3";
      }
    }
  }
}

TEST_F(NodeMovesTest, BalancingLeavesLessThanASlabOfDifference) {
  for (uint32_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(seed);
    Scatter(seed);
    const std::vector<size_t> before = Live();
    const std::vector<PlannedMove> moves = Plan({.mode = Mode::kBalance});
    const size_t mean = std::accumulate(before.begin(), before.end(), size_t{0}) / nodes_;
    size_t surplus = 0;
    for (const size_t live : before) surplus += live > mean ? live - mean : 0;
    size_t moved = 0;
    for (const PlannedMove& move : moves) {
      ASSERT_NE(ChoiceOf(move.slab).node, move.to) << "M5";
      moved += ChoiceOf(move.slab).live;
    }
    ASSERT_LE(moved, surplus + nodes_ * kCapacity) << "M5";
    Make(moves);
    ASSERT_LE(Spread(Live()), std::max(Spread(before), kCapacity)) << "M4";
    if (Spread(Live()) == kCapacity) {
      for (const auto& choice : listed_) {
        const std::vector<size_t> live = Live();
        if (live[static_cast<size_t>(choice.node)] == *std::max_element(live.begin(), live.end()) && choice.live != 0 &&
            std::none_of(moves.begin(), moves.end(), [&](const auto& move) { return move.slab == choice.slab; })) {
          ASSERT_EQ(choice.live, kCapacity) << "M4";
        }
      }
    } else {
      ASSERT_LT(Spread(Live()), kCapacity) << "M4";
      ASSERT_TRUE(Plan({.mode = Mode::kBalance}).empty()) << "M5";
    }
  }
}

TEST_F(NodeMovesTest, BalancingMovesTheEmptiestSlabsOfTheFullestNodeAndNoMoreThanItMust) {
  nodes_ = 2;
  for (const size_t live : {100, 20, 90, 30, 80}) Add(0, live);  // 320
  Add(1, 60);
  const std::vector<PlannedMove> moves = Plan({.mode = Mode::kBalance});  // 320 60, 300 80, 270 110, 190 190
  ASSERT_EQ(moves.size(), 3u);
  EXPECT_EQ(moves[0].slab, listed_[1].slab);
  EXPECT_EQ(moves[1].slab, listed_[3].slab);
  EXPECT_EQ(moves[2].slab, listed_[4].slab);
  for (const PlannedMove& move : moves) EXPECT_EQ(move.to, 1);
}

TEST_F(NodeMovesTest, ALoneFullSlabIsNotMovedToAndFro) {
  nodes_ = 2;
  Add(1, kCapacity);
  EXPECT_TRUE(Plan({.mode = Mode::kBalance}).empty());
  Add(1, kCapacity);
  EXPECT_EQ(Plan({.mode = Mode::kBalance}).size(), 1u);
}

TEST_F(NodeMovesTest, OneNodeIsBalanced) {
  nodes_ = 1;
  for (size_t live = 1; live < 60; ++live) Add(0, live);
  EXPECT_TRUE(CheckNodes({.mode = Mode::kBalance}, 1).ok());
  EXPECT_TRUE(Plan({.mode = Mode::kBalance}).empty());
  const CompactOptions to_itself{.mode = Mode::kMoveToNode, .to_node = 0};
  EXPECT_TRUE(CheckNodes(to_itself, 1).ok());
  EXPECT_TRUE(Plan(to_itself).empty()) << "all is there";
}

TEST_F(NodeMovesTest, NodesThatAreNotThereAreNamed) {
  const auto check = [](int from, int to, size_t nodes) {
    return CheckNodes({.mode = Mode::kMoveToNode, .from_node = from, .to_node = to}, nodes);
  };
  EXPECT_TRUE(check(-1, 2, 3).ok());
  EXPECT_TRUE(check(2, 0, 3).ok());
  EXPECT_EQ(check(-1, -1, 3).message(), "to_node is -1, and there are nodes 0 to 2");
  EXPECT_EQ(check(-1, 3, 3).message(), "to_node is 3, and there are nodes 0 to 2");
  EXPECT_EQ(check(3, 0, 3).message(), "from_node is 3, and there are nodes 0 to 2");
  EXPECT_EQ(check(-2, 0, 3).message(), "from_node is -2, and there are nodes 0 to 2");
  EXPECT_EQ(check(1, 1, 3).message(), "from_node and to_node are both 1");
  EXPECT_EQ(check(-1, 1, 1).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(CheckNodes({.to_node = 77}, 1).ok()) << "packing does not look at it";
}

}  // namespace
}  // namespace mxa::slab
