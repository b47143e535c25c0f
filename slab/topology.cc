// SPDX-License-Identifier: Apache-2.0
#include "slab/topology.h"

#include <memory>
#include <utility>

#include "absl/base/attributes.h"
#include "base/check.h"
#include "reclaim/fork_hold.h"
#include "slab/libnuma_topology.h"

namespace mxa::slab {
namespace {

class OneNode final : public Topology {
 public:
  OneNode() : Topology(1) {}
  bool Bind(void*, size_t, int) const override { return true; }
  int NodeOf(const void*) const override { return 0; }

 private:
  int CurrentOfSeveral() const override { return 0; }
};

std::unique_ptr<Topology> Detect() {
  NodeLayout layout = ReadNodeLayout();
  if (layout.nodes() > 1 && layout.nodes() <= Topology::kMaxNodes) {
    auto topology = std::make_unique<LibnumaTopology>(std::move(layout));
    // Containers may let us read the layout and forbid mbind.
    if (topology->CanBind()) return topology;
  }
  return std::make_unique<OneNode>();
}

}  // namespace

Topology::Topology(size_t nodes) : nodes_(nodes) {
  MXA_CHECK(nodes >= 1 && nodes <= kMaxNodes, "a topology has 1 to 255 nodes");
}

const Topology& Topology::System() {
  ABSL_CONST_INIT static reclaim::Immortal<const Topology> topology;
  return topology.Get([] { return Detect().release(); });
}

}  // namespace mxa::slab
