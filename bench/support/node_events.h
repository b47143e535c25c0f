// SPDX-License-Identifier: Apache-2.0
//
// Which nodes an index takes from an allocator and gives back, and in which order, while a workload is loaded and most of
// it dropped: for replaying it on allocators that no array of ours can live in.
//
// Differs from what an array does in one thing: a tree whose highest indices are gone keeps the nodes on top.
#ifndef MXA_BENCH_SUPPORT_NODE_EVENTS_H_
#define MXA_BENCH_SUPPORT_NODE_EVENTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/mxa/keep.h"
#include "tools/mxa/workload.h"

namespace mxa::bench {

struct NodeEvents {
  // Number n the first time: node n is allocated; the second time: it is freed.
  std::vector<uint32_t> nodes;
  uint32_t total = 0;
  uint32_t live = 0;  // at the end
};

NodeEvents NodeEventsOf(const tool::Workload& workload, const tool::Kept& kept);

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_NODE_EVENTS_H_
