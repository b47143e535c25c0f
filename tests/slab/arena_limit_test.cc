// SPDX-License-Identifier: Apache-2.0
//
// The reservation is halved until the system agrees to it, down to a floor; each case lowers its limits in a child of
// its own.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "slab/arena.h"

namespace mxa::slab {
namespace {

constexpr size_t kGiB = size_t{1} << 30;

void Limit(__rlimit_resource resource, size_t bytes) {
  const rlimit limit{bytes, bytes};
  if (setrlimit(resource, &limit) != 0) std::_Exit(99);
}

// Ends the child: 0 when `property` held.
[[noreturn]] void Leave(bool property) { std::_Exit(property ? 0 : 1); }

class ArenaLimitTest : public testing::Test {
 protected:
  ArenaLimitTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(ArenaLimitTest, HalvesTheReservationUntilItIsGranted) {
  EXPECT_EXIT(
      {
        Limit(RLIMIT_AS, 2 * kGiB);
        auto arena = Arena::Create({.reserve_bytes = 64 * kGiB, .min_reserve_bytes = kGiB / 4});
        if (!arena.ok()) Leave(false);
        Arena& granted = **arena;
        std::vector<Slab*> runs{granted.AllocateRun(8)};
        const bool usable = runs[0] != nullptr;
        granted.FreeRuns(runs);
        Leave(usable && granted.reserved_bytes() <= 2 * kGiB && granted.reserved_bytes() >= kGiB / 4);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(ArenaLimitTest, SaysWhyNotWhenEvenTheSmallestIsRefused) {
  EXPECT_EXIT(
      {
        Limit(RLIMIT_AS, kGiB / 2);
        const auto arena = Arena::Create({.reserve_bytes = 64 * kGiB, .min_reserve_bytes = 4 * kGiB});
        std::fprintf(stderr, "%s\n", std::string(arena.status().message()).c_str());
        Leave(arena.status().code() == absl::StatusCode::kResourceExhausted);
      },
      testing::ExitedWithCode(0), "cannot reserve even 4096 MiB of addresses.*ulimit -v");
}

TEST_F(ArenaLimitTest, NullWhenTheSystemRefusesMemory) {
  EXPECT_EXIT(
      {
        auto arena = Arena::Create({.reserve_bytes = kGiB, .min_reserve_bytes = kGiB}).value();
        std::vector<Slab*> runs{arena->AllocateRun(kUnitsPerRegion)};
        Limit(RLIMIT_DATA, 0);
        const bool refused = arena->AllocateRun(1) == nullptr && arena->AllocateRun(1) == nullptr;
        const bool sound = arena->CheckInvariants().ok() && arena->regions_held() == 1;
        arena->FreeRuns(runs);
        Leave(refused && sound && arena->AllocateRun(1) != nullptr);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mxa::slab
