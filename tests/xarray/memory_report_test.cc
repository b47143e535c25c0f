// SPDX-License-Identifier: Apache-2.0
//
// What a report says of small trees, exactly; of where nodes lie before and after a pass; and that it says the same while
// passes go on.
#include "xarray/memory_report.h"

#include <cstdint>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/motion.h"
#include "xarray/array_core.h"
#include "xarray/node_cache.h"

namespace mxa::xarray {
namespace {

constexpr size_t kSlabSize = 64 << 10;
constexpr size_t kSlabCapacity = kSlabSize / sizeof(Node);

Entry ValueEntry(uint64_t value) { return value << 1 | 1; }

void Fill(ArrayCore& array, uint64_t count, uint64_t stride) {
  for (uint64_t i = 0; i < count; ++i) ASSERT_TRUE(array.Store(i * stride, ValueEntry(i)).ok());
}

void ExpectLevel(const ArrayMemory& memory, unsigned height, size_t nodes, uint64_t slots_in_use) {
  EXPECT_EQ(memory.levels[height].nodes, nodes) << "height " << height;
  EXPECT_EQ(memory.levels[height].slots_in_use, slots_in_use) << "height " << height;
}

class MemoryReportTest : public testing::Test {
 protected:
  std::unique_ptr<NodeCache> nodes_ = NodeCache::Create().value();
  ArrayCore array_{*nodes_};
};

TEST_F(MemoryReportTest, AnEmptyArrayHasNothing) {
  const ArrayMemory memory = ReportMemory(array_);
  EXPECT_EQ(memory.nodes(), 0u);
  EXPECT_EQ(memory.entries, 0u);
  EXPECT_EQ(memory.bytes_per_entry(), 0);
  EXPECT_EQ(memory.leaf_fill(), 0);
  EXPECT_EQ(memory.slabs, 0u);
  EXPECT_EQ(memory.slabs_needed(), 0u);
  EXPECT_EQ(memory.savable_bytes(), 0);
  EXPECT_EQ(MemoryText(memory), "0 entries, 0 reserved, in 0 nodes: 0 bytes, 0.0 an entry\n");
}

TEST_F(MemoryReportTest, AnEntryInTheHeadCounts) {
  Fill(array_, 1, 1);
  EXPECT_EQ(ReportMemory(array_).entries, 1u);
  EXPECT_EQ(ReportMemory(array_).nodes(), 0u);
  array_.Erase(0);
  ASSERT_TRUE(array_.Reserve(0).ok());
  EXPECT_EQ(ReportMemory(array_).entries, 0u);
  EXPECT_EQ(ReportMemory(array_).reserved, 1u);
}

TEST_F(MemoryReportTest, CountsADenseTree) {
  Fill(array_, 4100, 1);
  const ArrayMemory memory = ReportMemory(array_);
  ExpectLevel(memory, 1, 65, 4100);
  ExpectLevel(memory, 2, 2, 65);
  ExpectLevel(memory, 3, 1, 2);
  ExpectLevel(memory, 4, 0, 0);
  EXPECT_EQ(memory.entries, 4100u);
  EXPECT_EQ(memory.nodes(), 68u);
  EXPECT_EQ(memory.node_bytes(), 68 * 576u);
  EXPECT_DOUBLE_EQ(memory.bytes_per_entry(), 68 * 576.0 / 4100);
  EXPECT_DOUBLE_EQ(memory.leaf_fill(), 4100.0 / (65 * 64));
  EXPECT_EQ(memory.slab_size, kSlabSize);
  EXPECT_EQ(memory.slab_capacity, kSlabCapacity);
  EXPECT_EQ(memory.slabs, 1u);
  EXPECT_EQ(memory.regions, 1u);
  EXPECT_EQ(memory.slabs_needed(), 1u);
}

TEST_F(MemoryReportTest, CountsASparseTreeUpToTheLastIndex) {
  ASSERT_TRUE(array_.Store(~uint64_t{0}, ValueEntry(1)).ok());
  ASSERT_TRUE(array_.Store(uint64_t{1} << 63, ValueEntry(2)).ok());
  ASSERT_TRUE(array_.Store(5, ValueEntry(3)).ok());
  ASSERT_TRUE(array_.Reserve(70).ok());
  ASSERT_TRUE(array_.Reserve(71).ok());
  const ArrayMemory memory = ReportMemory(array_);
  EXPECT_EQ(memory.entries, 3u);
  EXPECT_EQ(memory.reserved, 2u);
  // Three paths below one top; that of 5 forks in the lowest node but one.
  ExpectLevel(memory, 11, 1, 3);
  for (unsigned height = 3; height < 11; ++height) ExpectLevel(memory, height, 3, 3);
  ExpectLevel(memory, 2, 3, 4);
  ExpectLevel(memory, 1, 4, 5);
  EXPECT_EQ(memory.nodes(), nodes_->slabs().Stats().live);
}

TEST_F(MemoryReportTest, TheTextSaysIt) {
  Fill(array_, 4100, 1);
  nodes_->slabs().Shrink();  // what sheaves hold would count
  EXPECT_EQ(MemoryText(ReportMemory(array_)),
            "4100 entries, 0 reserved, in 68 nodes: 39168 bytes, 9.6 an entry\n"
            "height 1: 65 nodes, 4100 of 4160 slots in use (98.6 %)\n"
            "height 2: 2 nodes, 65 of 128 slots in use (50.8 %)\n"
            "height 3: 1 node, 2 of 64 slots in use (3.1 %)\n"
            "in 1 slab of 65536 bytes in 1 region; 1 slab would do\n"
            "answers for 0.1 MB of them; a pass may save up to 0.0 MB; 0 nodes alone in a slab\n");
}

TEST_F(MemoryReportTest, ANodeCanBeAloneInItsSlab) {
  Fill(array_, 2, 1);
  nodes_->slabs().Shrink();
  const ArrayMemory memory = ReportMemory(array_);
  EXPECT_EQ(memory.nodes(), 1u);
  EXPECT_EQ(memory.alone, 1u);
  EXPECT_DOUBLE_EQ(memory.share_bytes, kSlabSize);
}

// Every tenth node is one of the array's, the others are another array's. They go, and leave sparse slabs behind, which
// a pass packs.
TEST_F(MemoryReportTest, TellsWhatAPassSaves) {
  constexpr uint64_t kLeaves = 2000;
  auto other = std::make_unique<ArrayCore>(*nodes_);
  for (uint64_t leaf = 0; leaf < kLeaves * 10; ++leaf) {
    ArrayCore& array = leaf % 10 == 0 ? array_ : *other;
    ASSERT_TRUE(array.Store(leaf * kSlots, ValueEntry(leaf)).ok());
  }
  nodes_->slabs().Shrink();
  const ArrayMemory shared = ReportMemory(array_);
  EXPECT_GE(shared.nodes(), kLeaves);
  EXPECT_LT(shared.savable_bytes(), 0.05 * shared.share_bytes) << "dense slabs, a tenth of each its own";
  other.reset();
  nodes_->slabs().FreeRcuBarrier();
  nodes_->slabs().Shrink();
  const ArrayMemory sparse = ReportMemory(array_);
  EXPECT_EQ(sparse.slabs, shared.slabs);
  EXPECT_GT(sparse.slabs, 5 * sparse.slabs_needed());
  EXPECT_DOUBLE_EQ(sparse.share_bytes, static_cast<double>(sparse.slabs * kSlabSize)) << "nobody else is left";
  EXPECT_GT(sparse.savable_bytes(), 0.8 * sparse.share_bytes);
  ASSERT_TRUE(nodes_->slabs().Compact().ok());
  nodes_->slabs().Shrink();
  const ArrayMemory packed = ReportMemory(array_);
  EXPECT_EQ(packed.nodes(), shared.nodes());
  EXPECT_LE(packed.slabs, packed.slabs_needed() + 1);
  EXPECT_LT(packed.savable_bytes(), 2 * kSlabSize);
  EXPECT_EQ(packed.share_bytes, static_cast<double>(packed.slabs * kSlabSize));
}

TEST_F(MemoryReportTest, TheTreeIsExactWhilePassesMoveIt) {
  Fill(array_, 3000, 37);
  const ArrayMemory at_rest = ReportMemory(array_);
  tests::Motion motion(tests::Motion::Kind::kPasses, *nodes_);
  for (int round = 0; round < 20; ++round) {
    const ArrayMemory memory = ReportMemory(array_);
    EXPECT_EQ(memory.entries, 3000u);
    for (unsigned height = 1; height <= kMaxHeight; ++height) {
      ExpectLevel(memory, height, at_rest.levels[height].nodes, at_rest.levels[height].slots_in_use);
    }
  }
}

}  // namespace
}  // namespace mxa::xarray
