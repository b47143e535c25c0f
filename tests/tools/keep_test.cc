// SPDX-License-Identifier: Apache-2.0
//
// Property: what is kept is as much as was asked for, of the right kind, and the same for the same seed.
#include "tools/mxa/keep.h"

#include "gtest/gtest.h"
#include "tools/mxa/random.h"

namespace mxa::tool {
namespace {

Workload Files(std::vector<uint64_t> sizes) {
  Workload workload;
  for (const uint64_t size : sizes)
    workload.arrays.push_back({.name = "f", .dense = size, .blocks = {}, .last_touch = {}});
  return workload;
}

uint64_t CountOf(const Kept& kept) {
  uint64_t count = 0;
  for (const auto& indices : kept) count += indices.size();
  return count;
}

TEST(KeepArraysTest, KeepsWholeFilesUpToTheShare) {
  std::vector<uint64_t> sizes;
  for (uint64_t i = 0; i < 1000; ++i) sizes.push_back(1 + i % 20);
  const Workload workload = Files(sizes);
  const Kept kept = KeepArrays(workload, 0.1, 3);
  for (size_t i = 0; i < sizes.size(); ++i) EXPECT_TRUE(kept[i].empty() || kept[i].size() == sizes[i]);
  EXPECT_NEAR(static_cast<double>(CountOf(kept)), static_cast<double>(workload.entries()) * 0.1, 20);
  EXPECT_LE(CountOf(kept), workload.entries() / 10);
}

TEST(KeepArraysTest, DependsOnTheSeedOnly) {
  const Workload workload = Files(std::vector<uint64_t>(200, 5));
  EXPECT_EQ(KeepArrays(workload, 0.1, 3), KeepArrays(workload, 0.1, 3));
  EXPECT_NE(KeepArrays(workload, 0.1, 3), KeepArrays(workload, 0.1, 4));
}

TEST(KeepArraysTest, KeepsAtLeastOneAndAtMostAll) {
  EXPECT_EQ(CountOf(KeepArrays(Files({1000}), 0.001, 1)), 1000u);
  EXPECT_EQ(CountOf(KeepArrays(Files({1000, 3, 40}), 1, 1)), 1043u);
}

TEST(KeepMostRecentTest, KeepsWhatWasTouchedLastOverAllDevices) {
  Workload workload;
  workload.arrays.push_back({.name = "a", .dense = 0, .blocks = {9, 7, 8}, .last_touch = {0, 5, 3}});
  workload.arrays.push_back({.name = "b", .dense = 0, .blocks = {1, 2, 3}, .last_touch = {1, 2, 4}});
  EXPECT_EQ(KeepMostRecent(workload, 0.5), (Kept{{7, 8}, {3}}));
  EXPECT_EQ(KeepMostRecent(workload, 0.01), (Kept{{7}, {}}));
  EXPECT_EQ(KeepMostRecent(workload, 1), (Kept{{7, 8, 9}, {1, 2, 3}}));
}

}  // namespace
}  // namespace mxa::tool
