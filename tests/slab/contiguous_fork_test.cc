// SPDX-License-Identifier: Apache-2.0
//
// A fork while a request has a block isolated: the child has the memory, and asks for its own.
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/contiguous.h"
#include "tests/support/at_point.h"
#include "tests/support/fork_child.h"
#include "tests/support/stubborn_table.h"

namespace mxa::slab {
namespace {

constexpr size_t kSlots = 2 * kUnitsPerRegion * 64;

TEST(ContiguousForkTest, TheChildIsRidOfTheIsolation) {
  auto arena = Arena::Create({.reserve_bytes = 2 * kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  test::StubbornTable table(*arena, kSlots);
  ASSERT_EQ(table.Fill(), kSlots);
  for (size_t slot = 0; slot < kSlots; ++slot) {
    if (slot % 4 != 0) table.Remove(slot);
  }
  {
    test::AtPoint at("contiguous.isolated", [&] {
      EXPECT_EQ(arena->isolations(), 1u);
      EXPECT_EQ(tests::InChild([&]() -> std::string {
                  SetScheduleHandlerForTest(nullptr);
                  if (arena->isolations() != 0) return "a block is isolated for nobody";
                  if (!arena->CheckInvariants().ok()) return std::string(arena->CheckInvariants().message());
                  const ContiguousResult result =
                      AllocateContiguous(*arena, kRegionSize, absl::Now() + absl::Seconds(20));
                  if (result.block == nullptr) return result.verdict.Text();
                  return table.Intact() ? "" : "objects were lost";
                }),
                "");
    });
    const ContiguousResult result = AllocateContiguous(*arena, kRegionSize, absl::Now() + absl::Seconds(20));
    EXPECT_TRUE(result.verdict.granted()) << result.verdict.Text();
    FreeContiguous(*arena, result.block);
  }
  EXPECT_TRUE(table.Intact());
}

}  // namespace
}  // namespace mxa::slab
