// SPDX-License-Identifier: Apache-2.0
//
// Chooses what stays after the drop: whole files at random for a tree, the most recently used blocks for a trace.
//
// Threads: pure.
#ifndef MXA_TOOLS_MXA_KEEP_H_
#define MXA_TOOLS_MXA_KEEP_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/mxa/workload.h"

namespace mxa::tool {

// For each array the indices to keep, in ascending order.
using Kept = std::vector<std::vector<uint64_t>>;

// Whole arrays in an order chosen by `seed`, each one that still fits, until `fraction` of all entries is reached; at
// least one.
Kept KeepArrays(const Workload& workload, double fraction, uint64_t seed);

// The `fraction` of all blocks, over all devices, that were touched last; at least one.
Kept KeepMostRecent(const Workload& workload, double fraction);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_KEEP_H_
