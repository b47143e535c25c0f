// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/report.h"

namespace mxa::tool {

double Report::per_second(Phase phase) const {
  const uint64_t ns = phase_ns[static_cast<size_t>(phase)];
  return ns == 0 ? 0 : static_cast<double>(in(phase).reads) * 1e9 / static_cast<double>(ns);
}

double Report::nodes_per_grace_period() const {
  return moves.grace_periods == 0 ? 0
                                  : static_cast<double>(moves.objects_moved) / static_cast<double>(moves.grace_periods);
}

double Report::per_node(uint64_t total) const {
  return moves.objects_moved == 0 ? 0 : static_cast<double>(total) / static_cast<double>(moves.objects_moved);
}

}  // namespace mxa::tool
