// SPDX-License-Identifier: Apache-2.0
//
// Runs scenarios: a thread an actor, pauses at which everything is audited, a verdict at the end.
//
// Threads: one run at a time in a process.
#ifndef MXA_TOOLS_TORTURE_ENGINE_H_
#define MXA_TOOLS_TORTURE_ENGINE_H_

#include "tools/torture/options.h"
#include "tools/torture/report.h"

namespace mxa::torture {

// REQUIRES: the options name scenarios and a shape that there are.    (CHECKed)
Report RunTorture(const Options& options);

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_ENGINE_H_
