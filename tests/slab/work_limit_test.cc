// SPDX-License-Identifier: Apache-2.0
//
// Passes that end when they have worked for some time.
#include <cstddef>
#include <memory>

#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/cache.h"
#include "tests/support/stubborn_table.h"

namespace mxa::slab {
namespace {

using test::StubbornTable;

constexpr size_t kSlabs = 60;
constexpr size_t kObjects = 64;  // in each

// Half of the slabs hold three objects, the others six.
class WorkLimitTest : public testing::Test {
 protected:
  WorkLimitTest() {
    EXPECT_EQ(table_.Fill(), kSlabs * kObjects);
    for (size_t slot = 0; slot < kSlabs * kObjects; ++slot) {
      if (slot % kObjects >= (slot / kObjects % 2 == 0 ? 3 : 6)) table_.Remove(slot);
    }
    table_.cache().Shrink();
  }
  ~WorkLimitTest() override {
    EXPECT_TRUE(table_.Intact());
    EXPECT_TRUE(table_.cache().CheckInvariants().ok()) << table_.cache().CheckInvariants();
  }
  CompactStats Slice() {
    return table_.cache().Compact({.batch_objects = 20, .most_batch_objects = 20, .work_limit_ns = 1}).value();
  }

  std::unique_ptr<Arena> arena_ =
      Arena::Create({.reserve_bytes = 8 * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  StubbornTable table_{*arena_, kSlabs* kObjects};
};

TEST_F(WorkLimitTest, APassEndsWithTheBatchInWhichItsTimeIsUp) {
  const CompactStats slice = Slice();
  EXPECT_EQ(slice.batches, 1u);
  EXPECT_GT(slice.slabs_released, 0u);
  size_t slices = 1;
  while (Slice().objects_moved > 0) ++slices;
  EXPECT_GT(slices, 5u);
  EXPECT_EQ(table_.cache().Stats().slabs, table_.cache().Stats().slabs_needed());
}

// What comes first would come first in the next slice too.
TEST_F(WorkLimitTest, APassGoesOnUntilASlabIsEmptied) {
  for (size_t slot = 0; slot < kSlabs * kObjects; slot += 2 * kObjects)
    table_.SetAnswer(slot, StubbornTable::Answer::kPinned);
  const CompactStats slice = Slice();
  EXPECT_GT(slice.batches, 1u);
  EXPECT_GT(slice.slabs_released, 0u);
}

}  // namespace
}  // namespace mxa::slab
