// SPDX-License-Identifier: Apache-2.0
//
// A locked reserve is locked in memory and unlocked when it leaves the pool; each case has a child of its own, as the
// kernel counts and limits what a process locks. Not for sanitizers: they make mlock() do nothing.
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/page_pool.h"

namespace mxa::slab {
namespace {

constexpr size_t kUnitKiB = kUnitSize >> 10;

size_t LockedUnits() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "VmLck:") continue;
    size_t kib = 0;
    status >> kib;
    return kib / kUnitKiB;
  }
  return ~size_t{0};
}

// Lets this process lock `units` units, and no more: not even with the privilege to ignore the limit.
void LimitLockedUnits(size_t units) {
  const rlimit limit{units * kUnitSize, units * kUnitSize};
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0 || syscall(SYS_capset, &header, none) != 0) std::_Exit(99);
}

// Ends the child: 0 when `property` held.
[[noreturn]] void Leave(bool property) { std::_Exit(property ? 0 : 1); }

class PagePoolLockTest : public testing::Test {
 protected:
  PagePoolLockTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  static std::unique_ptr<Arena> NewArena() {
    return Arena::Create({.reserve_bytes = kRegionSize, .min_reserve_bytes = kRegionSize}).value();
  }
  static PagePoolOptions Locked(Arena& arena, size_t units) {
    return {.name = "io", .arena = &arena, .min_units = units, .largest_run_units = 2, .lock_pages = true};
  }
};

TEST_F(PagePoolLockTest, LocksWhatItHoldsAndNothingElse) {
  EXPECT_EXIT(
      {
        LimitLockedUnits(6);
        auto arena = NewArena();
        auto pool = PagePool::Create(Locked(*arena, 4)).value();
        bool held = LockedUnits() == 4;
        Slab* run = pool->Take(2);
        held = held && pool->Refill().ok() && LockedUnits() == 6;
        pool->Put(run);
        held = held && LockedUnits() == 4;
        held = held && pool->Resize(0).ok() && LockedUnits() == 0;
        std::vector<Slab*> runs{arena->AllocateRun(2)};
        held = held && pool->Resize(2).ok() && LockedUnits() == 2 && pool->Take(2) != nullptr && pool->Offer(runs) &&
               LockedUnits() == 4;
        Leave(held && pool->CheckInvariants().ok());
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(PagePoolLockTest, SaysWhyItCannotLock) {
  EXPECT_EXIT(
      {
        LimitLockedUnits(4);
        auto arena = NewArena();
        const auto pool = PagePool::Create(Locked(*arena, 8));
        std::fprintf(stderr, "%s\n", std::string(pool.status().message()).c_str());
        Leave(pool.status().code() == absl::StatusCode::kResourceExhausted && LockedUnits() == 0 &&
              arena->units_held() == 0);
      },
      testing::ExitedWithCode(0), "page pool io holds 4 of 8 units: its pages cannot be locked.*ulimit -l");
}

TEST_F(PagePoolLockTest, LeavesAnOfferedRunThatItCannotLock) {
  EXPECT_EXIT(
      {
        LimitLockedUnits(2);
        auto arena = NewArena();
        auto pool = PagePool::Create(Locked(*arena, 2)).value();
        Slab* run = pool->Take(2);
        std::vector<Slab*> runs{arena->AllocateRun(8)};
        const bool kept = pool->Offer(runs);
        size_t units = 0;
        for (const Slab* rest : runs) units += rest->units;
        arena->FreeRuns(runs);
        pool->Put(run);
        Leave(!kept && units == 8 && pool->CheckInvariants().ok() && arena->units_held() == 2);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace mxa::slab
