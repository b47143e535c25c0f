// SPDX-License-Identifier: Apache-2.0
//
// After a fork the child allocates, frees and destroys what the parent's Idas held, while other threads of the parent were
// at work on one that the child leaves alone.
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "gtest/gtest.h"
#include "tests/support/fork_child.h"
#include "tests/support/thread_group.h"
#include "xarray/id_bitmap_cache.h"
#include "xarray/ida.h"
#include "xarray/node_cache.h"

namespace mxa {
namespace {

using tests::InChild;

constexpr uint64_t kIds = 70000;  // 69 chunks: a tree of two levels

std::string UseInChild(std::unique_ptr<Ida>& ida) {
  for (uint64_t id = 0; id < kIds; ++id) {
    if (!ida->Exists(id)) return "an ID of the parent is missing";
  }
  for (uint64_t id = 0; id < kIds; id += 7) ida->Free(id);
  for (uint64_t id = 0; id < kIds; id += 7) {
    if (ida->Exists(id)) return "a freed ID is there";
    if (ida->Allocate().value() != id) return "not the lowest free ID";
  }
  if (ida->Allocate().value() != kIds) return "not the next ID";
  for (uint64_t id = 0; id < kIds; ++id) ida->Free(id);
  if (ida->FindFirst() != kIds) return "not the ID that is left";
  if (!ida->CheckInvariants().ok()) return ida->CheckInvariants().ToString();
  ida.reset();
  slab::Cache& bitmaps = xarray::IdBitmapCache::Default().slabs();
  bitmaps.FreeRcuBarrier();
  return bitmaps.CheckInvariants().ok() ? "" : bitmaps.CheckInvariants().ToString();
}

TEST(IdaForkTest, TheChildUsesIdasOfTheParent) {
  auto ida = std::make_unique<Ida>();
  Ida written;
  for (uint64_t id = 0; id < kIds; ++id) ASSERT_EQ(ida->Allocate().value(), id);
  std::atomic<bool> end{false};
  tests::ThreadGroup threads;
  tests::StartBarrier all_here(4);
  const absl::Cleanup at_end = [&end] { end = true; };
  threads.Start("reader", [&] {
    all_here.Await();
    for (uint64_t id = 0; !end; id = (id + 1) % kIds) {
      if (!ida->Exists(id)) end = true;
    }
  });
  threads.Start("writer", [&] {
    all_here.Await();
    for (uint64_t id = 0; !end; id = (id + 1) % kIds) {
      written.Allocate({id, id}).IgnoreError();
      const uint64_t old = (id + 5000) % kIds;
      if (written.Exists(old)) written.Free(old);
    }
  });
  threads.Start("pass", [&] {
    all_here.Await();
    slab::Cache& nodes = xarray::NodeCache::Default().slabs();
    while (!end) nodes.Compact({.mode = slab::CompactOptions::Mode::kMoveEverything}).IgnoreError();
  });
  all_here.Await();
  for (int round = 0; round < 5; ++round) {
    ASSERT_EQ(InChild([&] { return UseInChild(ida); }), "");
  }
  EXPECT_FALSE(end) << "a reader missed an ID";
  end = true;
  threads.JoinAll();
  for (uint64_t id = 0; id < kIds; ++id) ASSERT_TRUE(ida->Exists(id));
  EXPECT_EQ(ida->Allocate().value(), kIds);
}

}  // namespace
}  // namespace mxa
