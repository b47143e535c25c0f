// SPDX-License-Identifier: Apache-2.0
#include "slab/node_layout.h"

#include <algorithm>
#include <utility>

namespace mxa::slab {

int NodeLayout::NodeOfSystemId(int system_id) const {
  const auto found = std::lower_bound(system_ids.begin(), system_ids.end(), system_id);
  return found != system_ids.end() && *found == system_id ? static_cast<int>(found - system_ids.begin()) : -1;
}

NodeLayout MakeNodeLayout(std::vector<int> memory_ids, const std::vector<int>& id_of_cpu,
                          const std::function<int(int, int)>& distance) {
  std::sort(memory_ids.begin(), memory_ids.end());
  memory_ids.erase(std::unique(memory_ids.begin(), memory_ids.end()), memory_ids.end());
  NodeLayout layout;
  layout.system_ids = std::move(memory_ids);
  for (const int id : id_of_cpu) {
    int node = layout.NodeOfSystemId(id);
    if (node < 0) {
      node = 0;
      for (int other = 1; id >= 0 && other < static_cast<int>(layout.nodes()); ++other) {
        const auto to = [&](int candidate) { return distance(id, layout.system_ids[static_cast<size_t>(candidate)]); };
        if (to(other) < to(node)) node = other;
      }
    }
    layout.node_of_cpu.push_back(node);
  }
  return layout;
}

}  // namespace mxa::slab
