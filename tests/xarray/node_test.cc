// SPDX-License-Identifier: Apache-2.0
//
// A node's life: constructed, allocated, in a tree, detached, reset; and that a wrong step ends the process.
#include "xarray/node.h"

#include "gtest/gtest.h"
#include "xarray/anchor.h"
#include "xarray/detach.h"

namespace mxa::xarray {
namespace {

void ExpectConstructed(const Node& node) {
  EXPECT_EQ(node.owner(), nullptr);
  EXPECT_EQ(node.parent(), nullptr);
  EXPECT_EQ(node.height(), 0u);
  EXPECT_EQ(node.offset(), 0u);
  EXPECT_EQ(node.UsedLocked(), 0u);
  EXPECT_EQ(node.canary(), kCanaryFree);
  for (Mark mark : kAllMarks) EXPECT_EQ(node.MarksLocked(mark), 0u);
  for (unsigned offset = 0; offset < kSlots; ++offset) EXPECT_EQ(node.SlotLocked(offset), kNull);
}

TEST(NodeTest, SlotsLieOnLinesOfTheirOwn) {
  const Node node;
  const auto begin = reinterpret_cast<uintptr_t>(&node);
  EXPECT_EQ(begin % 64, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(node.SlotAddress(0)), begin + 64);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(node.SlotAddress(63)), begin + 568);
}

TEST(NodeTest, DetachLeavesNothingToConfirm) {
  ArrayAnchor anchor;
  Node parent;
  Node node;
  node.MarkAllocated();
  node.Join(&anchor, &parent, 1, 7);
  node.InitSlot(3, 0x1000);
  Detach(&node);
  for (unsigned offset = 0; offset < kSlots; ++offset) EXPECT_EQ(node.SlotLocked(offset), kRetry);
  EXPECT_TRUE(node.IsRetired());
  EXPECT_EQ(node.parent(), &parent);
}

TEST(NodeTest, ResetRestoresTheConstructedState) {
  ArrayAnchor anchor;
  Node node;
  ExpectConstructed(node);
  node.MarkAllocated();
  node.Join(&anchor, &node, 3, 5);
  node.InitMarks(Mark::k1, 42);
  node.SetUsedLocked(3);
  Detach(&node);
  node.Reset();
  ExpectConstructed(node);
}

TEST(NodeTest, CopyTakesItsPlace) {
  ArrayAnchor anchor;
  Node parent;
  Node from;
  from.MarkAllocated();
  from.Join(&anchor, &parent, 2, 9);
  from.InitSlot(11, 0x40);
  from.InitMarks(Mark::k2, 1u << 11);
  from.SetUsedLocked(1);
  Node to;
  to.MarkAllocated();
  to.JoinAsCopyOf(from, &anchor);
  EXPECT_EQ(to.owner(), &anchor);
  EXPECT_EQ(to.parent(), &parent);
  EXPECT_EQ(to.height(), 2u);
  EXPECT_EQ(to.offset(), 9u);
  EXPECT_EQ(to.UsedLocked(), 1u);
  EXPECT_EQ(to.SlotLocked(11), Entry{0x40});
  EXPECT_EQ(to.MarksLocked(Mark::k2), uint64_t{1} << 11);
}

TEST(NodeDeathTest, CatchesASecondFree) {
  Node node;
  EXPECT_DEATH(node.MarkFree(), "freed twice");
  EXPECT_DEATH(node.Reset(), "freed twice");
}

TEST(NodeDeathTest, CatchesASecondAllocation) {
  Node node;
  node.MarkAllocated();
  EXPECT_DEATH(node.MarkAllocated(), "in use");
}

TEST(NodeDeathTest, CatchesTheFreeingOfANodeInATree) {
  ArrayAnchor anchor;
  Node node;
  node.MarkAllocated();
  node.Join(&anchor, nullptr, 1, 0);
  EXPECT_DEATH(node.Reset(), "in a tree");
}

}  // namespace
}  // namespace mxa::xarray
