// SPDX-License-Identifier: Apache-2.0
#include "slab/libnuma_topology.h"

#include <numa.h>
#include <numaif.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <utility>
#include <vector>

namespace mxa::slab {

NodeLayout ReadNodeLayout() {
  if (numa_available() < 0) return {};
  std::vector<int> memory_ids;
  bitmask* allowed = numa_get_mems_allowed();
  for (int id = 0; id <= numa_max_node(); ++id) {
    if (numa_bitmask_isbitset(numa_all_nodes_ptr, static_cast<unsigned>(id)) != 0 &&
        numa_bitmask_isbitset(allowed, static_cast<unsigned>(id)) != 0) {
      memory_ids.push_back(id);
    }
  }
  numa_bitmask_free(allowed);
  std::vector<int> id_of_cpu;
  for (int cpu = 0; cpu < numa_num_configured_cpus(); ++cpu) id_of_cpu.push_back(numa_node_of_cpu(cpu));
  return MakeNodeLayout(std::move(memory_ids), id_of_cpu, [](int a, int b) {
    const int distance = numa_distance(a, b);
    return distance == 0 ? INT32_MAX : distance;  // 0: the kernel does not know
  });
}

LibnumaTopology::LibnumaTopology(NodeLayout layout) : Topology(layout.nodes()), layout_(std::move(layout)) {}

bool LibnumaTopology::Bind(void* start, size_t bytes, int node) const {
  bitmask* nodes = numa_allocate_nodemask();
  numa_bitmask_setbit(nodes, static_cast<unsigned>(layout_.system_ids[static_cast<size_t>(node)]));
  // The kernel takes the number of bits plus one.
  const bool bound = mbind(start, bytes, MPOL_PREFERRED, nodes->maskp, nodes->size + 1, 0) == 0;
  numa_bitmask_free(nodes);
  return bound;
}

int LibnumaTopology::NodeOf(const void* address) const {
  const uintptr_t page_size = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  void* page = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(address) & ~(page_size - 1));
  int status = -1;
  // Without a list of nodes, move_pages moves nothing and only tells; a page that is not there gets a negative status.
  if (move_pages(0, 1, &page, nullptr, &status, 0) != 0) return kAnyNode;
  return status < 0 ? kAnyNode : layout_.NodeOfSystemId(status);
}

bool LibnumaTopology::CanBind() const {
  const size_t page_size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* page = mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return false;
  bool can = true;
  for (int node = 0; can && node < static_cast<int>(nodes()); ++node) can = Bind(page, page_size, node);
  munmap(page, page_size);
  return can;
}

int LibnumaTopology::CurrentOfSeveral() const {
  // glibc reads it from the thread's rseq area or the vdso, which is why it is not kept here.
  const int cpu = sched_getcpu();
  return cpu >= 0 && static_cast<size_t>(cpu) < layout_.node_of_cpu.size()
             ? layout_.node_of_cpu[static_cast<size_t>(cpu)]
             : 0;
}

}  // namespace mxa::slab
