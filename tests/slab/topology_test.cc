// SPDX-License-Identifier: Apache-2.0
//
// Nodes get numbers without gaps whatever the system calls them, and the kernel binds what it is asked to.
#include "slab/topology.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "gtest/gtest.h"
#include "slab/libnuma_topology.h"
#include "slab/node_layout.h"
#include "tests/support/fake_topology.h"

namespace mxa::slab {
namespace {

using test::FakeTopology;

// As on one board after the other.
int Distance(int a, int b) { return 10 + std::abs(a - b); }

TEST(NodeLayoutTest, SparseNodesGetNumbersWithoutGaps) {
  const NodeLayout layout = MakeNodeLayout({8, 0, 3}, {0, 3, 8, 3}, Distance);
  EXPECT_EQ(layout.system_ids, (std::vector<int>{0, 3, 8}));
  EXPECT_EQ(layout.node_of_cpu, (std::vector<int>{0, 1, 2, 1}));
  EXPECT_EQ(layout.NodeOfSystemId(8), 2);
  EXPECT_EQ(layout.NodeOfSystemId(5), -1);
  EXPECT_EQ(layout.NodeOfSystemId(9), -1);
}

TEST(NodeLayoutTest, ACpuWithoutMemoryOfItsOwnCountsToTheNearestNode) {
  const NodeLayout layout = MakeNodeLayout({2, 9, 20}, {0, 6, 15, 31, 9}, Distance);
  EXPECT_EQ(layout.node_of_cpu, (std::vector<int>{0, 1, 2, 2, 1}));
}

TEST(NodeLayoutTest, ACpuOfNoKnownNodeCountsToTheFirst) {
  EXPECT_EQ(MakeNodeLayout({4, 5}, {-1, 5}, Distance).node_of_cpu, (std::vector<int>{0, 1}));
}

TEST(NodeLayoutTest, ANodeToldTwiceIsOne) { EXPECT_EQ(MakeNodeLayout({1, 1, 0}, {}, Distance).nodes(), 2u); }

TEST(TopologyTest, TheSystemHasANodeAndThisThreadIsOnOne) {
  const Topology& system = Topology::System();
  EXPECT_EQ(&system, &Topology::System());
  ASSERT_GE(system.nodes(), 1u);
  EXPECT_GE(system.CurrentNode(), 0);
  EXPECT_LT(system.CurrentNode(), static_cast<int>(system.nodes()));
}

class LibnumaTopologyTest : public testing::Test {
 protected:
  void SetUp() override {
    layout_ = ReadNodeLayout();
    if (layout_.nodes() == 0) GTEST_SKIP() << "the kernel does not tell its nodes";
    if (!LibnumaTopology(layout_).CanBind()) GTEST_SKIP() << "this process may not bind memory";
    page_size_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    pages_ =
        static_cast<char*>(mmap(nullptr, 2 * page_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(pages_, MAP_FAILED);
  }
  void TearDown() override {
    if (pages_ != nullptr) munmap(pages_, 2 * page_size_);
  }

  NodeLayout layout_;
  size_t page_size_ = 0;
  char* pages_ = nullptr;
};

TEST_F(LibnumaTopologyTest, PagesComeFromTheNodeTheyAreBoundTo) {
  const LibnumaTopology topology(layout_);
  for (int node = 0; node < static_cast<int>(topology.nodes()); ++node) {
    ASSERT_TRUE(topology.Bind(pages_, 2 * page_size_, node));
    pages_[0] = 1;
    EXPECT_EQ(topology.NodeOf(pages_ + 17), node);
    EXPECT_EQ(topology.NodeOf(pages_ + page_size_), kAnyNode) << "that page is not there";
    ASSERT_EQ(madvise(pages_, page_size_, MADV_DONTNEED), 0);
    EXPECT_EQ(topology.NodeOf(pages_), kAnyNode);
  }
}

TEST_F(LibnumaTopologyTest, ANodeThatIsNotThereIsRefused) {
  layout_.system_ids.push_back(layout_.system_ids.back() + 40);
  const LibnumaTopology topology(layout_);
  EXPECT_TRUE(topology.Bind(pages_, page_size_, 0));
  EXPECT_FALSE(topology.Bind(pages_, page_size_, static_cast<int>(topology.nodes()) - 1));
  EXPECT_FALSE(topology.CanBind());
}

TEST_F(LibnumaTopologyTest, EveryCpuHasANodeThatHasMemory) {
  ASSERT_FALSE(layout_.node_of_cpu.empty());
  for (const int node : layout_.node_of_cpu) {
    EXPECT_GE(node, 0);
    EXPECT_LT(node, static_cast<int>(layout_.nodes()));
  }
  layout_.system_ids.push_back(layout_.system_ids.back() + 1);  // two, so that the cpu is looked up
  for (int& node : layout_.node_of_cpu) node = 1;
  EXPECT_EQ(LibnumaTopology(layout_).CurrentNode(), 1);
}

TEST(FakeTopologyTest, TellsWhatWasBoundLast) {
  FakeTopology topology(3);
  char block[64];
  EXPECT_EQ(topology.NodeOf(block), kAnyNode);
  EXPECT_TRUE(topology.Bind(block, 32, 2));
  EXPECT_EQ(topology.NodeOf(block + 31), 2);
  EXPECT_EQ(topology.NodeOf(block + 32), kAnyNode);
  topology.refuse = 1;
  EXPECT_FALSE(topology.Bind(block, 32, 1));
  EXPECT_EQ(topology.NodeOf(block), 2);
  EXPECT_TRUE(topology.Bind(block, 32, 0));
  EXPECT_EQ(topology.NodeOf(block), 0);
  EXPECT_EQ(topology.binds(), 3u);
}

TEST(TopologyDeathTest, HasOneToTwoHundredFiftyFiveNodes) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(FakeTopology(0), "1 to 255 nodes");
  EXPECT_DEATH(FakeTopology(256), "1 to 255 nodes");
}

}  // namespace
}  // namespace mxa::slab
