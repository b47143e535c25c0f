// SPDX-License-Identifier: Apache-2.0
//
// The parts of a stride neither overlap nor leave a gap, and every object keeps its alignment.
#include "slab/debug/object_layout.h"

#include <string>
#include <tuple>

#include "gtest/gtest.h"

namespace mxa::slab {
namespace {

DebugOptions Parse(const char* letters) { return DebugOptionsFor(letters, "").value(); }

class ObjectLayoutTest : public testing::TestWithParam<std::tuple<size_t, size_t, const char*>> {
 protected:
  const size_t object_size_ = std::get<0>(GetParam());
  const size_t alignment_ = std::get<1>(GetParam());
  const DebugOptions options_ = Parse(std::get<2>(GetParam()));
  const ObjectLayout layout_ = ObjectLayout::For(object_size_, alignment_, options_);
};

TEST_P(ObjectLayoutTest, KeepsTheAlignmentOfObjectsAndRecords) {
  EXPECT_EQ(layout_.prefix % alignment_, 0u);
  EXPECT_EQ(layout_.stride % alignment_, 0u);
  EXPECT_EQ((layout_.prefix + layout_.record_offset) % alignof(OwnerTrack), 0u);
  EXPECT_EQ(layout_.stride % alignof(OwnerTrack), 0u) << "or the next record is not aligned";
}

TEST_P(ObjectLayoutTest, PutsTheRecordAtTheEnd) {
  EXPECT_EQ(layout_.prefix + layout_.record_offset + layout_.record_size, layout_.stride);
  EXPECT_EQ(layout_.record_size, sizeof(uint64_t) + (options_.track_owner ? 2 * sizeof(OwnerTrack) : 0));
  EXPECT_EQ(layout_.prefix + layout_.object_size + layout_.suffix(), layout_.stride);
}

TEST_P(ObjectLayoutTest, HasRedZonesOnBothSidesWhenAsked) {
  ASSERT_GE(layout_.record_offset, object_size_);
  if (options_.red_zones) {
    EXPECT_GE(layout_.prefix, ObjectLayout::kMinRedZone);
    EXPECT_GE(layout_.record_offset - object_size_, ObjectLayout::kMinRedZone);
  } else {
    EXPECT_EQ(layout_.prefix, 0u);
  }
}

TEST_P(ObjectLayoutTest, WastesLessThanTheAlignment) {
  const size_t red_zone = options_.red_zones ? ObjectLayout::kMinRedZone : 0;
  EXPECT_LT(layout_.stride, layout_.prefix + object_size_ + red_zone + layout_.record_size +
                                std::max<size_t>(alignment_, alignof(OwnerTrack)));
}

INSTANTIATE_TEST_SUITE_P(Shapes, ObjectLayoutTest,
                         testing::Combine(testing::Values(8, 13, 64, 576, 65536), testing::Values(1, 8, 64, 4096),
                                          testing::Values("F", "Z", "P", "U", "FZPURQ")));

TEST(ObjectLayoutPlainTest, TakesNothingWithoutChecks) {
  for (const char* letters : {"-", "R"}) {
    const ObjectLayout layout = ObjectLayout::For(100, 64, Parse(letters));
    EXPECT_EQ(layout.stride, 128u) << letters;
    EXPECT_EQ(layout.prefix, 0u) << letters;
    EXPECT_EQ(layout.record_size, 0u) << letters;
  }
}

TEST(ObjectLayoutPlainDeathTest, WantsAPowerOfTwo) {
  EXPECT_DEATH(ObjectLayout::For(8, 24, Parse("F")), "an object's size and alignment");
  EXPECT_DEATH(ObjectLayout::For(0, 8, Parse("F")), "an object's size and alignment");
}

}  // namespace
}  // namespace mxa::slab
