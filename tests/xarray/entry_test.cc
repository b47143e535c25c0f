// SPDX-License-Identifier: Apache-2.0
//
// The tagged word: every kind is told from every other, and the tag test of a walk accepts nodes of one height only.
#include "xarray/entry.h"

#include "gtest/gtest.h"

namespace mxa::xarray {
namespace {

constexpr uintptr_t kAddress = 0x7f0000001240;  // 64-byte aligned

TEST(EntryTest, TellsItsKindsApart) {
  EXPECT_TRUE(IsStorable(kNull));
  EXPECT_TRUE(IsStorable(kAddress + 4));
  EXPECT_TRUE(IsStorable(kAddress | 1));
  EXPECT_TRUE(IsStorable(kAddress | 3));
  EXPECT_TRUE(IsValue(kAddress | 1));
  EXPECT_FALSE(IsValue(kAddress));
  for (const Entry special : {kRetry, kZero}) {
    EXPECT_TRUE(IsInternal(special));
    EXPECT_FALSE(IsNode(special));
    EXPECT_FALSE(IsStorable(special));
  }
  for (unsigned height = 1; height <= kMaxHeight; ++height) {
    EXPECT_TRUE(IsNode(kAddress + NodeTag(height)));
    EXPECT_EQ(HeightBits(kAddress + NodeTag(height)), height);
  }
}

TEST(EntryTest, TagTestAcceptsANodeOfExactlyItsHeight) {
  for (unsigned wanted = 1; wanted <= kMaxHeight; ++wanted) {
    const auto accepts = [wanted](Entry entry) { return ((entry - NodeTag(wanted)) & kNodeAlignMask) == 0; };
    for (unsigned height = 1; height <= kMaxHeight; ++height) {
      EXPECT_EQ(accepts(kAddress + NodeTag(height)), height == wanted) << height << " as " << wanted;
    }
    for (const Entry other :
         {kNull, kRetry, kZero, Entry{1}, ~Entry{0}, Entry{4}, kAddress + 4, kAddress | 1, kAddress | 3}) {
      EXPECT_FALSE(accepts(other)) << other << " as " << wanted;
    }
    for (Entry low = 0; low < 64; ++low) {
      EXPECT_EQ(accepts(kAddress | low), low == NodeTag(wanted)) << low << " as " << wanted;
    }
  }
}

TEST(EntryTest, HeightsCoverTheirIndices) {
  EXPECT_EQ(MaxIndex(0), 0u);
  EXPECT_EQ(MaxIndex(1), 63u);
  EXPECT_EQ(MaxIndex(2), 4095u);
  EXPECT_EQ(MaxIndex(10), (uint64_t{1} << 60) - 1);
  EXPECT_EQ(MaxIndex(11), ~uint64_t{0});
  EXPECT_EQ(OffsetAt(4095, 1), 63u);
  EXPECT_EQ(OffsetAt(4095, 2), 63u);
  EXPECT_EQ(OffsetAt(4096, 3), 1u);
}

}  // namespace
}  // namespace mxa::xarray
