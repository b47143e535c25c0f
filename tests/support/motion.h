// SPDX-License-Identifier: Apache-2.0
//
// What a cache's nodes do while a model test runs: nothing, move in passes all the time, or move one and all between any
// two operations.
//
// Threads: one thread's; passes run on one of its own.
#ifndef MXA_TESTS_SUPPORT_MOTION_H_
#define MXA_TESTS_SUPPORT_MOTION_H_

#include <atomic>
#include <vector>

#include "base/check.h"
#include "tests/support/array_core_peer.h"
#include "tests/support/move_node.h"
#include "tests/support/thread_group.h"
#include "xarray/array_core.h"
#include "xarray/node_cache.h"

namespace mxa::tests {

// Moves every node of `array`. REQUIRES: no other thread uses it, and no pass runs.
inline void MoveAllNodes(const xarray::ArrayCore& array, xarray::NodeCache& nodes) {
  std::vector<xarray::Entry> all = {xarray::ArrayCorePeer::Head(array)};
  if (!xarray::IsNode(all[0])) return;
  for (size_t i = 0; i < all.size(); ++i) {
    const xarray::Entry entry = all[i];
    for (unsigned offset = 0; xarray::HeightBits(entry) > 1 && offset < xarray::kSlots; ++offset) {
      const xarray::Entry child = xarray::EntryNode(entry)->SlotLocked(offset);
      if (xarray::IsNode(child)) all.push_back(child);
    }
  }
  for (const xarray::Entry entry : all) {
    MXA_CHECK(MoveNode(nodes, xarray::EntryNode(entry)).result == reclaim::MoveResult::kMoved,
              "a node at rest did not move");
  }
}

class Motion {
 public:
  enum class Kind { kStill, kPasses, kAllBetween };

  Motion(Kind kind, xarray::NodeCache& nodes) : kind_(kind), nodes_(nodes) {
    if (kind_ != Kind::kPasses) return;
    passes_.Start("passes", [this] {
      slab::CompactOptions options;
      options.mode = slab::CompactOptions::Mode::kMoveEverything;
      while (!stop_.load(std::memory_order_relaxed)) MXA_CHECK(nodes_.slabs().Compact(options).ok(), "a pass failed");
    });
  }
  ~Motion() {
    stop_.store(true, std::memory_order_relaxed);
    passes_.JoinAll();
  }
  Motion(const Motion&) = delete;
  Motion& operator=(const Motion&) = delete;

  // To be called between any two operations on `array`.
  void Between(const xarray::ArrayCore& array) {
    if (kind_ == Kind::kAllBetween) MoveAllNodes(array, nodes_);
  }

 private:
  const Kind kind_;
  xarray::NodeCache& nodes_;
  std::atomic<bool> stop_{false};
  ThreadGroup passes_;
};

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_MOTION_H_
