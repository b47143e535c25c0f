// SPDX-License-Identifier: Apache-2.0
//
// A user of nodes is told all he needs to know what each node of each array holds, whatever the operation, still and with
// nodes moving; he may keep a node in place; and nothing of his is left in a node that he was told has left.
#include "xarray/node_user.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/check.h"
#include "gtest/gtest.h"
#include "reclaim/movable.h"
#include "tests/support/array_core_peer.h"
#include "tests/support/motion.h"
#include "tests/support/move_node.h"
#include "tests/support/random.h"
#include "xarray/array_core.h"
#include "xarray/locked_node.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

using reclaim::MoveResult;

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

// What a node holds.
struct Held {
  const ArrayAnchor* anchor;
  unsigned height;
  uint64_t first_index;
  unsigned used;
  unsigned values;
  std::vector<Entry> slots;  // links as one word: a child that moves is not told of here

  explicit Held(const NodeView& node)
      : anchor(node.anchor()),
        height(node.height()),
        first_index(node.first_index()),
        used(node.used()),
        values(node.values()),
        slots(kSlots) {
    const Node* of = NodeView::NodeOf(node.area());
    for (unsigned offset = 0; offset < kSlots; ++offset) {
      slots[offset] = IsNode(of->SlotLocked(offset)) ? kRetry : of->SlotLocked(offset);
    }
  }
  friend bool operator==(const Held&, const Held&) = default;
};

// Knows of each node what it was told, by its area, in which it leaves a stamp of its own.
class Mirror final : public NodeUser {
 public:
  struct Area {
    uint64_t stamp;
    uint64_t unused;
  };

  void OnUpdate(const NodeView& node) override {
    auto* area = static_cast<Area*>(node.area());
    const auto [it, is_new] = nodes_.insert_or_assign(area, Held(node));
    if (is_new) {
      MXA_CHECK(area->stamp == 0, "a node joined with an area that is not zero");
      area->stamp = ++stamps_;
    } else {
      MXA_CHECK(area->stamp != 0, "an area was lost");
    }
  }
  void OnLeave(const NodeView& node) override {
    MXA_CHECK(nodes_.erase(static_cast<Area*>(node.area())) == 1, "a node left that had never joined, or twice");
    ++left_;
  }
  bool TryMove(const NodeView& from, const NodeView& to, size_t area_bytes) override {
    MXA_CHECK(area_bytes == sizeof(Area), "not the area that was asked for");
    if (refuses) return false;
    MXA_CHECK(Held(from) == Held(to), "a copy that says something else");
    auto* area = static_cast<Area*>(to.area());
    MXA_CHECK(area->stamp == 0, "a destination's area is not zero");
    *area = *static_cast<Area*>(from.area());
    const auto node = nodes_.extract(static_cast<Area*>(from.area()));
    MXA_CHECK(!node.empty(), "a node moves that had never joined");
    nodes_.insert({area, node.mapped()});
    ++moved_;
    return true;
  }

  // OK, or what of `array` is not what this user was told. REQUIRES: the cache has no other array.
  absl::Status Compare(const ArrayCore& array) const {
    std::vector<Entry> all;
    if (const Entry head = ArrayCorePeer::Head(array); IsNode(head)) all.push_back(head);
    for (size_t i = 0; i < all.size(); ++i) {
      const Node* node = EntryNode(all[i]);
      for (unsigned offset = 0; node->height() > 1 && offset < kSlots; ++offset) {
        if (IsNode(node->SlotLocked(offset))) all.push_back(node->SlotLocked(offset));
      }
      const auto told = nodes_.find(static_cast<Area*>(NodeView::AreaOf(*node)));
      if (told == nodes_.end()) return absl::InternalError("was not told of a node");
      if (told->second != Held(NodeView(*node))) return absl::InternalError("was not told of a change");
    }
    return all.size() == nodes_.size() ? absl::OkStatus() : absl::InternalError("was not told that a node left");
  }

  size_t nodes() const { return nodes_.size(); }
  int left() const { return left_; }
  int moved() const { return moved_; }
  bool refuses = false;

 private:
  std::map<Area*, Held> nodes_;
  uint64_t stamps_ = 0;
  int left_ = 0;
  int moved_ = 0;
};

std::unique_ptr<NodeCache> CacheOf(NodeUser& user, size_t area_bytes) {
  return NodeCache::Create(nullptr, {&user, area_bytes}).value();
}

class NodeUserModelTest : public testing::TestWithParam<std::tuple<unsigned, bool>> {};

TEST_P(NodeUserModelTest, IsToldOfWhatEachNodeHolds) {
  const auto [bits, moving] = GetParam();
  Mirror mirror;
  auto nodes = CacheOf(mirror, sizeof(Mirror::Area));
  static int pointee = 0;
  {
    ArrayCore array(*nodes);
    tests::Random random(tests::TestSeed(bits));
    const uint64_t mask = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    const auto ignore = [](uint64_t, Entry) {};
    for (int i = 0; i < 800; ++i) {
      const uint64_t index = random.Next() & mask & ~(random.Next() % 3 == 0 ? uint64_t{0xfff} : 0);
      const unsigned order = static_cast<unsigned>(random.Next() % (bits == 64 ? 64 : bits));
      const uint64_t last = index + (random.Next() & mask & 0x3ff);
      const Entry entry = random.Next() % 2 == 0 ? ValueEntry(random.Next() >> 1) : reinterpret_cast<Entry>(&pointee);
      const auto op = random.Next() % 14;
      switch (op) {
        case 0:
        case 1:
        case 2:
          ASSERT_TRUE(array.Store(index, entry).ok());
          break;
        case 3:
        case 4:
          array.Erase(index);
          break;
        case 5:
          static_cast<void>(array.Insert(index, entry));
          break;
        case 6:
          if (random.Next() % 16 == 0) {
            ASSERT_TRUE(array.StoreOrder(0, std::min(order + 10, kMaxOrder), entry, ignore).ok());
          } else {
            ASSERT_TRUE(array.StoreOrder(index, order, entry, ignore).ok());
          }
          break;
        case 7:
          static_cast<void>(array.InsertOrder(index, order / 2, entry));
          break;
        case 8:
          if (last >= index) {
            ASSERT_TRUE(array.StoreRange(index, last, entry, ignore).ok());
          }
          break;
        case 9:
          if (last >= index) {
            ASSERT_TRUE(array.EraseRange(index, last, ignore).ok());
          }
          break;
        case 10:
          if (array.GetOrder(index).value_or(64) < 20) static_cast<void>(array.Split(index, order / 3));
          break;
        case 11:
          static_cast<void>(array.SplitToward(index, order));
          break;
        case 12:
          if (random.Next() % 2 == 0) {
            ASSERT_TRUE(array.Reserve(index).ok());
          } else {
            static_cast<void>(array.Allocate(entry, {index, ~uint64_t{0}}));
          }
          break;
        default:
          if (random.Next() % 100 == 0) {
            array.Clear();
          } else if (index < ~uint64_t{0} - 100) {
            const uint64_t many[] = {index, index + 1, index + 70};
            ASSERT_TRUE(array
                            .StoreMany(
                                many, [&](size_t) { return entry; }, [](size_t, Entry) {})
                            .ok());
          }
      }
      ASSERT_EQ(mirror.Compare(array), absl::OkStatus()) << "operation " << i << " of kind " << op;
      if (moving && i % 5 == 0) tests::MoveAllNodes(array, *nodes);
      ASSERT_EQ(mirror.Compare(array), absl::OkStatus()) << "a move after operation " << i;
      if (i % 200 == 0) {
        ASSERT_EQ(CheckInvariants(array), absl::OkStatus());
      }
    }
    EXPECT_GT(mirror.left(), 100);
    if (moving) {
      EXPECT_GT(mirror.moved(), 300);
    }
  }
  EXPECT_EQ(mirror.nodes(), 0u);
  EXPECT_EQ(nodes->slabs().CheckInvariants(), absl::OkStatus());
}

INSTANTIATE_TEST_SUITE_P(Widths, NodeUserModelTest,
                         testing::Combine(testing::Values(8u, 14u, 30u, 64u), testing::Bool()));

TEST(NodeUserTest, KeepsANodeWhereItIs) {
  Mirror mirror;
  auto nodes = CacheOf(mirror, sizeof(Mirror::Area));
  ArrayCore array(*nodes);
  ASSERT_TRUE(array.Store(1, ValueEntry(7)).ok());
  Node* leaf = ArrayCorePeer::NodeAt(array, 1, 1);
  mirror.refuses = true;
  EXPECT_EQ(tests::MoveNode(*nodes, leaf).result, MoveResult::kBusy);
  EXPECT_EQ(ArrayCorePeer::NodeAt(array, 1, 1), leaf);
  EXPECT_EQ(array.Load(1), ValueEntry(7));
  EXPECT_EQ(mirror.Compare(array), absl::OkStatus());
  mirror.refuses = false;
  EXPECT_EQ(tests::MoveNode(*nodes, leaf).result, MoveResult::kMoved);
  EXPECT_EQ(mirror.Compare(array), absl::OkStatus());
}

// The user that does not say how his bytes move.
class Unhooked final : public NodeUser {
 public:
  void OnUpdate(const NodeView& node) override { static_cast<char*>(node.area())[7] = links; }
  void OnLeave(const NodeView&) override {}
  char links = 0;
};

TEST(NodeUserTest, WithoutAHookANodeThatIsLinkedStays) {
  Unhooked user;
  auto nodes = CacheOf(user, 8);
  ArrayCore array(*nodes);
  ASSERT_TRUE(array.Store(1, ValueEntry(1)).ok());
  EXPECT_EQ(tests::MoveNode(*nodes, ArrayCorePeer::NodeAt(array, 1, 1)).result, MoveResult::kMoved);
  user.links = 1;
  ASSERT_TRUE(array.Store(2, ValueEntry(2)).ok());
  EXPECT_EQ(tests::MoveNode(*nodes, ArrayCorePeer::NodeAt(array, 1, 1)).result, MoveResult::kBusy);
  user.links = 0;
  array.Erase(2);
  EXPECT_EQ(tests::MoveNode(*nodes, ArrayCorePeer::NodeAt(array, 1, 1)).result, MoveResult::kMoved);
}

TEST(NodeUserTest, AnAreaNeedsAUser) {
  EXPECT_EQ(NodeCache::Create(nullptr, {nullptr, 8}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(NodeUserTest, AUserMayHaveNoBytes) {
  class Counter final : public NodeUser {
   public:
    void OnUpdate(const NodeView&) override { ++updates; }
    void OnLeave(const NodeView&) override { ++leaves; }
    int updates = 0;
    int leaves = 0;
  } counter;
  auto nodes = CacheOf(counter, 0);
  ArrayCore array(*nodes);
  ASSERT_TRUE(array.Store(100, ValueEntry(1)).ok());
  EXPECT_EQ(counter.updates, 2);
  EXPECT_EQ(tests::MoveNode(*nodes, ArrayCorePeer::NodeAt(array, 100, 1)).result, MoveResult::kMoved);
  array.Clear();
  EXPECT_EQ(counter.leaves, 2);
}

TEST(LockedNodeTest, LooksAtAndErasesWhatANodeHolds) {
  Mirror mirror;
  auto nodes = CacheOf(mirror, sizeof(Mirror::Area));
  ArrayCore array(*nodes);
  const auto ignore = [](uint64_t, Entry) {};
  ASSERT_TRUE(array.Store(64, ValueEntry(1)).ok());
  ASSERT_TRUE(array.StoreOrder(96, 4, ValueEntry(2), ignore).ok());
  ASSERT_TRUE(array.Reserve(70).ok());
  ASSERT_TRUE(array.Store(5000, ValueEntry(3)).ok());
  ASSERT_TRUE(array.SetMark(96, Mark::k1));
  void* area = NodeView::AreaOf(*ArrayCorePeer::NodeAt(array, 64, 1));
  using Entries = std::vector<std::pair<uint64_t, Entry>>;
  const Entries expected = {{64, ValueEntry(1)}, {96, ValueEntry(2)}};
  Entries seen;
  {
    std::optional<LockedNode> locked = LockedNode::TryLock(area);
    ASSERT_TRUE(locked.has_value());
    EXPECT_FALSE(LockedNode::TryLock(area).has_value()) << "locked twice";
    EXPECT_EQ(locked->view().first_index(), 64u);
    locked->ForEach([&](uint64_t index, Entry entry) { seen.emplace_back(index, entry); });
    EXPECT_EQ(seen, expected);
    seen.clear();
    std::move(*locked).EraseAll([&](uint64_t index, Entry entry) { seen.emplace_back(index, entry); });
  }
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(ArrayCorePeer::NodeAt(array, 64, 1), nullptr);
  EXPECT_FALSE(array.HasMarked(Mark::k1));
  EXPECT_EQ(array.Load(64), kNull);
  EXPECT_EQ(array.Load(5000), ValueEntry(3));
  EXPECT_EQ(mirror.Compare(array), absl::OkStatus());
  EXPECT_EQ(CheckInvariants(array), absl::OkStatus());
}

TEST(LockedNodeTest, ErasesTheOnlyNode) {
  Mirror mirror;
  auto nodes = CacheOf(mirror, sizeof(Mirror::Area));
  ArrayCore array(*nodes);
  for (uint64_t index = 0; index < 64; index += 3) ASSERT_TRUE(array.Store(index, ValueEntry(index)).ok());
  std::optional<LockedNode> locked = LockedNode::TryLock(NodeView::AreaOf(*ArrayCorePeer::NodeAt(array, 0, 1)));
  ASSERT_TRUE(locked.has_value());
  int erased = 0;
  std::move(*locked).EraseAll([&](uint64_t, Entry) { ++erased; });
  locked.reset();
  EXPECT_EQ(erased, 22);
  EXPECT_TRUE(array.empty());
  EXPECT_EQ(mirror.nodes(), 0u);
}

}  // namespace
}  // namespace mxa::xarray
