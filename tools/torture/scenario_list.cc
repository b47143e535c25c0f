// SPDX-License-Identifier: Apache-2.0
#include "absl/strings/string_view.h"
#include "tools/torture/scenarios.h"

namespace mxa::torture {
namespace {

// In the order in which their actors are started.
constexpr ScenarioKind kKinds[] = {
    {"readwrite", "readers of single entries, and writers that replace, erase and store them", &MakeReadWrite},
    {"movers", "passes of all kinds over the nodes", &MakeMovers},
};

}  // namespace

absl::Span<const ScenarioKind> ScenarioKinds() { return kKinds; }

const ScenarioKind* ScenarioByName(absl::string_view name) {
  for (const ScenarioKind& kind : kKinds) {
    if (name == kind.name) return &kind;
  }
  return nullptr;
}

}  // namespace mxa::torture
