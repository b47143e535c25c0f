// SPDX-License-Identifier: Apache-2.0
//
// Many walks at once, and the node that they stand in moves or goes before they take their next step: at every level.
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "base/schedule_point.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/array_core_peer.h"
#include "tests/support/move_node.h"
#include "xarray/array_core.h"
#include "xarray/node_cache.h"

namespace mxa::xarray {
namespace {

constexpr unsigned kHeight = 4;
constexpr uint64_t kIndices[] = {0, 1, 63, 64, 4096, 262144, 262145, 16777215, 16777216};

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

// What the handler, which takes no argument, does at its `at`th call.
struct Interruption {
  NodeCache* nodes;
  ArrayCore* array;
  unsigned at;
  unsigned height;  // of the node that moves
  bool erases;      // instead: everything goes, and is stored anew
  unsigned calls = 0;
};
Interruption* interruption = nullptr;

void Fill(ArrayCore& array, uint64_t version) {
  for (const uint64_t index : kIndices) {
    if (index > MaxIndex(kHeight)) continue;
    ASSERT_TRUE(array.Store(index, ValueEntry(index + version)).ok());
  }
}

void Interrupt(const char* point) {
  if (std::strcmp(point, "load_many.level") != 0 || ++interruption->calls != interruption->at) return;
  ArrayCore& array = *interruption->array;
  if (interruption->erases) {
    array.Clear();
    Fill(array, 1);
    return;
  }
  for (const uint64_t index : kIndices) {
    Node* node = ArrayCorePeer::NodeAt(array, index, interruption->height);
    if (node == nullptr) continue;
    ASSERT_EQ(tests::MoveNode(*interruption->nodes, node).result, reclaim::MoveResult::kMoved);
  }
  // Who goes on in an old copy finds what is no longer so.
  Fill(array, 1);
}

class LoadManyInterleaveTest : public testing::Test {
 protected:
  void Expect(unsigned at, unsigned height, bool erases) {
    ArrayCore array(*nodes_);
    Fill(array, 0);
    ASSERT_EQ(ArrayCorePeer::Height(array), kHeight);
    Interruption here = {nodes_.get(), &array, at, height, erases};
    interruption = &here;
    SetScheduleHandlerForTest(&Interrupt);
    const absl::Cleanup end = [] { SetScheduleHandlerForTest(nullptr); };
    std::array<Entry, std::size(kIndices)> entries;
    reclaim::ReadSection section;
    array.LoadManyInSection(kIndices, entries.data());
    ASSERT_EQ(here.calls, kHeight);
    for (size_t i = 0; i < entries.size(); ++i) {
      const uint64_t index = kIndices[i];
      if (index > MaxIndex(kHeight)) {
        EXPECT_EQ(entries[i], kNull);
      } else {
        EXPECT_EQ(entries[i], ValueEntry(index + 1)) << index << " at " << at << " height " << height;
      }
    }
  }

  std::unique_ptr<NodeCache> nodes_ = NodeCache::Create().value();
};

TEST_F(LoadManyInterleaveTest, ANodeMovesBeforeAStep) {
  for (unsigned at = 1; at <= kHeight; ++at) {
    for (unsigned height = 1; height <= kHeight; ++height) Expect(at, height, /*erases=*/false);
  }
}

TEST_F(LoadManyInterleaveTest, AllGoesBeforeAStep) {
  for (unsigned at = 1; at <= kHeight; ++at) Expect(at, 0, /*erases=*/true);
}

}  // namespace
}  // namespace mxa::xarray
