// SPDX-License-Identifier: Apache-2.0
//
// Runs scenarios: a thread an actor, pauses at which everything is audited, a verdict at the end.
//
// A run ends at the first violation. What a broken library left behind is not taken down then: it stays where it is.
// Threads: one run at a time in a process.
#ifndef MXA_TOOLS_TORTURE_ENGINE_H_
#define MXA_TOOLS_TORTURE_ENGINE_H_

#include <string>

#include "absl/types/span.h"
#include "tools/torture/actor.h"
#include "tools/torture/options.h"
#include "tools/torture/report.h"

namespace mxa::torture {

// Told how a run goes on.
class Listener {
 public:
  virtual ~Listener() = default;
  // At each pause, on the thread of RunTorture.
  virtual void OnPause(const Report&) {}
  // On a thread of its own; behind it the process ends, with the status that the report says.
  virtual void OnStall(const Report&, const std::string& description);
};

// REQUIRES: the options name scenarios, a shape, and a planted bug that this build has.    (CHECKed)
Report RunTorture(const Options& options, Listener* listener = nullptr,
                  absl::Span<const ScenarioKind> kinds = ScenarioKinds());

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_ENGINE_H_
