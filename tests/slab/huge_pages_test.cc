// SPDX-License-Identifier: Apache-2.0
//
// When an arena asks for huge pages, as the kernel tells by the flags of its mappings: `hg` wanted, `nh` not wanted.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "slab/arena.h"
#include "slab/slab.h"

namespace mxa::slab {
namespace {

using HugePages = ArenaOptions::HugePages;

// "hg", "nh", or nothing when the kernel does not tell.
std::string AdviceAt(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long begin = 0;
    unsigned long end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) {
      inside = begin <= reinterpret_cast<uintptr_t>(address) && reinterpret_cast<uintptr_t>(address) < end;
    }
    if (!inside || line.compare(0, 8, "VmFlags:") != 0) continue;
    std::istringstream flags(line.substr(8));
    for (std::string flag; flags >> flag;) {
      if (flag == "hg" || flag == "nh") return flag;
    }
  }
  return "";
}

class HugePagesTest : public testing::Test {
 protected:
  void Make(HugePages when) {
    arena_ = Arena::Create({.reserve_bytes = size_t{64} << 20, .huge_pages = when}).value();
    Take(1);
    if (AdviceAt(runs_[0]->objects).empty()) GTEST_SKIP() << "this kernel has no huge pages, or does not tell";
  }
  ~HugePagesTest() override {
    if (arena_ != nullptr) arena_->FreeRuns(runs_);
  }
  void Take(size_t runs) {
    for (size_t i = 0; i < runs; ++i) runs_.push_back(arena_->AllocateRun(1));
  }
  void Free(size_t run) {
    std::vector<Slab*> freed = {runs_[run]};
    runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(run));
    arena_->FreeRuns(freed);
  }
  std::string Advice() const { return AdviceAt(runs_[0]->objects); }

  std::unique_ptr<Arena> arena_;
  std::vector<Slab*> runs_;
};

TEST_F(HugePagesTest, NeverMeansNever) {
  ASSERT_NO_FATAL_FAILURE(Make(HugePages::kNever));
  if (IsSkipped()) return;
  Take(kUnitsPerRegion - 1);
  EXPECT_EQ(Advice(), "nh");
}

TEST_F(HugePagesTest, AtOnceFromTheFirstUnitOn) {
  ASSERT_NO_FATAL_FAILURE(Make(HugePages::kAtOnce));
  if (IsSkipped()) return;
  EXPECT_EQ(Advice(), "hg");
}

TEST_F(HugePagesTest, WhenFullAndOnlyAsLongAsThat) {
  ASSERT_NO_FATAL_FAILURE(Make(HugePages::kWhenFull));
  if (IsSkipped()) return;
  Take(kUnitsPerRegion - 2);
  EXPECT_EQ(Advice(), "nh") << "one unit is free";
  Take(1);
  EXPECT_EQ(Advice(), "hg");
  Free(7);
  EXPECT_EQ(Advice(), "nh");
  // The unit that went back is not resident for nobody.
  EXPECT_LE(arena_->Residency().object_bytes, (kUnitsPerRegion - 1) * kUnitSize);
  Take(1);
  EXPECT_EQ(Advice(), "hg");
  EXPECT_EQ(arena_->CheckInvariants(), absl::OkStatus());
}

TEST_F(HugePagesTest, WhatWasWrittenStaysWhenPagesAreJoinedAndSplit) {
  ASSERT_NO_FATAL_FAILURE(Make(HugePages::kWhenFull));
  if (IsSkipped()) return;
  Take(kUnitsPerRegion - 2);
  for (Slab* run : runs_) run->objects[100] = static_cast<char>(run->objects[100] + 1);
  Take(1);
  runs_.back()->objects[100] = 1;
  for (const Slab* run : runs_) EXPECT_EQ(run->objects[100], 1);
  Free(3);
  for (const Slab* run : runs_) EXPECT_EQ(run->objects[100], 1);
}

}  // namespace
}  // namespace mxa::slab
