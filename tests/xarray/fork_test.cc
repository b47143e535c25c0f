// SPDX-License-Identifier: Apache-2.0
//
// After a fork the child reads, changes and destroys the arrays of the parent that no other thread was changing.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "gtest/gtest.h"
#include "reclaim/rcu.h"
#include "tests/support/fork_child.h"
#include "tests/support/thread_group.h"
#include "xarray/node_cache.h"
#include "xarray/xarray.h"

namespace mxa {
namespace {

using tests::InChild;

constexpr uint64_t kEntries = 3000;
constexpr uint64_t kStride = 37;

// Readers and passes at work on all arrays, a writer on one that the child leaves alone.
TEST(ArrayForkTest, TheChildUsesArraysOfTheParent) {
  std::vector<int> values(kEntries);
  auto array = std::make_unique<XArray<int>>();
  XArray<int> written;
  for (uint64_t i = 0; i < kEntries; ++i) ASSERT_TRUE(array->Store(i * kStride, &values[i]).ok());
  std::atomic<bool> end{false};
  tests::ThreadGroup threads;
  tests::StartBarrier all_here(4);
  const absl::Cleanup at_end = [&end] { end = true; };
  threads.Start("reader", [&] {
    all_here.Await();
    for (uint64_t i = 0; !end; i = (i + 1) % kEntries) {
      reclaim::ReadSection section;
      array->LoadInSection(i * kStride);
    }
  });
  threads.Start("writer", [&] {
    all_here.Await();
    for (uint64_t i = 0; !end; i = (i + 1) % kEntries) {
      written.Store(i * kStride, &values[i]).IgnoreError();
      written.Erase(((i + 100) % kEntries) * kStride);
    }
  });
  threads.Start("pass", [&] {
    all_here.Await();
    slab::Cache& nodes = xarray::NodeCache::Default().slabs();
    while (!end) nodes.Compact({.mode = slab::CompactOptions::Mode::kMoveEverything}).IgnoreError();
  });
  all_here.Await();
  for (int round = 0; round < 5; ++round) {
    ASSERT_EQ(InChild([&]() -> std::string {
                for (uint64_t i = 0; i < kEntries; ++i) {
                  if (array->Load(i * kStride) != &values[i]) return "an entry is missing";
                }
                for (uint64_t i = 0; i < kEntries; i += 2) array->Erase(i * kStride);
                for (uint64_t i = 0; i < kEntries; ++i) {
                  if (!array->Store(i * kStride + 1, &values[i]).ok()) return "no memory";
                }
                slab::Cache& nodes = xarray::NodeCache::Default().slabs();
                if (!nodes.Compact({.mode = slab::CompactOptions::Mode::kMoveEverything}).ok()) return "no pass";
                for (uint64_t i = 0; i < kEntries; ++i) {
                  if (array->Load(i * kStride) != (i % 2 == 0 ? nullptr : &values[i])) return "an old entry is wrong";
                  if (array->Load(i * kStride + 1) != &values[i]) return "a new entry is wrong";
                }
                array.reset();
                nodes.FreeRcuBarrier();
                return nodes.CheckInvariants().ok() ? "" : nodes.CheckInvariants().ToString();
              }),
              "");
  }
  end = true;
  threads.JoinAll();
  for (uint64_t i = 0; i < kEntries; ++i) ASSERT_EQ(array->Load(i * kStride), &values[i]);
}

}  // namespace
}  // namespace mxa
