// SPDX-License-Identifier: Apache-2.0
//
// What the system calls our nodes, and which of them each cpu is near to.
//
// Invariants:
//   Nl1  system_ids are distinct and ascend; our number of a node is its place among them.
//   Nl2  every cpu has a node that has memory.
// Threads: immutable once made.
// Why not the system's numbers: they may have gaps (nodes unplugged, or kept from this process), and per-node arrays want
// none; and a cpu's own node may be without memory.
#ifndef MXA_SLAB_NODE_LAYOUT_H_
#define MXA_SLAB_NODE_LAYOUT_H_

#include <cstddef>
#include <functional>
#include <vector>

namespace mxa::slab {

struct NodeLayout {
  std::vector<int> system_ids;   // by our number
  std::vector<int> node_of_cpu;  // by cpu: our number

  size_t nodes() const { return system_ids.size(); }
  // Our number of the system's node, or -1.
  int NodeOfSystemId(int system_id) const;
};

// The layout for the nodes in `memory_ids`, any order, and cpus that lie on the nodes in `id_of_cpu` (-1: the system does
// not say). A cpu whose node has no memory counts to the nearest that has, by `distance(id, id)`.
NodeLayout MakeNodeLayout(std::vector<int> memory_ids, const std::vector<int>& id_of_cpu,
                          const std::function<int(int, int)>& distance);

}  // namespace mxa::slab

#endif  // MXA_SLAB_NODE_LAYOUT_H_
