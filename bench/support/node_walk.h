// SPDX-License-Identifier: Apache-2.0
//
// The nodes of arrays in the order in which a pass meets them: by address.
#ifndef MXA_BENCH_SUPPORT_NODE_WALK_H_
#define MXA_BENCH_SUPPORT_NODE_WALK_H_

#include <algorithm>
#include <vector>

#include "xarray/array_core.h"
#include "xarray/entry.h"
#include "xarray/node.h"

namespace mxa::bench {

// Appends the node `entry` points to, if it does, and all below. REQUIRES: nobody writes or moves meanwhile.
inline void AppendNodes(xarray::Entry entry, std::vector<const xarray::Node*>& nodes) {
  if (!xarray::IsNode(entry)) return;
  const xarray::Node* node = xarray::EntryNode(entry);
  nodes.push_back(node);
  if (xarray::HeightBits(entry) == 1) return;
  for (unsigned offset = 0; offset < xarray::kSlots; ++offset) AppendNodes(node->slot(offset), nodes);
}

inline void SortByAddress(std::vector<const xarray::Node*>& nodes) { std::sort(nodes.begin(), nodes.end()); }

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_NODE_WALK_H_
