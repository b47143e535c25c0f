// SPDX-License-Identifier: Apache-2.0
//
// The topology that the kernel tells through libnuma.
#ifndef MXA_SLAB_LIBNUMA_TOPOLOGY_H_
#define MXA_SLAB_LIBNUMA_TOPOLOGY_H_

#include <cstddef>

#include "slab/node_layout.h"
#include "slab/topology.h"

namespace mxa::slab {

// The nodes whose memory this process may use; without nodes when the kernel does not tell.
NodeLayout ReadNodeLayout();

class LibnumaTopology final : public Topology {
 public:
  // REQUIRES: the layout has a node.    (CHECKed)
  explicit LibnumaTopology(NodeLayout layout);

  // Prefers the node rather than insisting on it: where it has no memory left, the kernel takes another's.
  bool Bind(void* start, size_t bytes, int node) const override;
  int NodeOf(const void* address) const override;

  // Whether this process may bind memory to every node.
  bool CanBind() const;

 private:
  int CurrentOfSeveral() const override;

  const NodeLayout layout_;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_LIBNUMA_TOPOLOGY_H_
