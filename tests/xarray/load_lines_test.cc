// SPDX-License-Identifier: Apache-2.0
//
// Load never touches a node's header line: here those lines lie in pages that may not be read.
//
// Every node of a hand-made tree is placed so that its header is the last line of one page, and its slots begin the
// next.
#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <vector>

#include "base/check.h"
#include "base/tsan.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/array_core_peer.h"
#include "xarray/array_core.h"
#include "xarray/node_cache.h"

namespace mxa::xarray {
namespace {

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

// A node across the border of two pages, of which the first can be locked away.
class SplitNode {
 public:
  SplitNode() : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    void* pages = mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MXA_CHECK(pages != MAP_FAILED, "no pages");
    pages_ = static_cast<char*>(pages);
    node_ = new (pages_ + page_ - Node::kSlotsAt) Node;
  }
  ~SplitNode() { munmap(pages_, 2 * page_); }
  SplitNode(const SplitNode&) = delete;
  SplitNode& operator=(const SplitNode&) = delete;

  Node* node() { return node_; }
  void LockHeaderAway() { MXA_CHECK(mprotect(pages_, page_, PROT_NONE) == 0, "mprotect"); }

 private:
  const size_t page_;
  char* pages_;
  Node* node_;
};

class LoadLinesTest : public testing::TestWithParam<unsigned> {};

TEST_P(LoadLinesTest, LoadReadsSlotsOnly) {
  if (MXA_TSAN) GTEST_SKIP() << "under TSan, readers look at the canary";
  const unsigned height = GetParam();
  const uint64_t index = MaxIndex(height) - MaxIndex(height) / 3;
  std::vector<SplitNode> split(height);
  Entry below = ValueEntry(height);
  for (unsigned h = 1; h <= height; ++h) {
    Node* node = split[h - 1].node();
    node->InitSlot(OffsetAt(index, h), below);
    below = NodeEntry(node, h);
  }
  ArrayCore array(NodeCache::Default());
  ArrayCorePeer::SetHead(array, below);
  for (SplitNode& node : split) node.LockHeaderAway();

  EXPECT_EQ(array.Load(index), ValueEntry(height));
  EXPECT_EQ(array.Load(index ^ 1), kNull);
  EXPECT_EQ(array.Load(0), kNull);
  if (height < kMaxHeight) {
    EXPECT_EQ(array.Load(MaxIndex(height) + 1), kNull);
  }
  {
    reclaim::ReadSection section;
    EXPECT_EQ(array.LoadInSection(index), ValueEntry(height));
  }
  ArrayCorePeer::SetHead(array, kNull);
}

INSTANTIATE_TEST_SUITE_P(Heights, LoadLinesTest, testing::Range(1u, kMaxHeight + 1));

}  // namespace
}  // namespace mxa::xarray
