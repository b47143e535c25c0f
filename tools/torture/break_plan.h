// SPDX-License-Identifier: Apache-2.0
//
// Which scenarios meet a planted bug most often: what `mxa torture --break` runs, unless it is told which.
//
// Why not all of them always: a crowd on few processors gets to each piece of code less often, and what is to be shown is
// that the bug is noticed, not how long it can hide.
#ifndef MXA_TOOLS_TORTURE_BREAK_PLAN_H_
#define MXA_TOOLS_TORTURE_BREAK_PLAN_H_

#include "base/planted_bug.h"

namespace mxa::torture {

struct BreakPlan {
  const char* scenarios;  // as after --scenario
  const char* shape;
};

BreakPlan PlanFor(PlantedBug bug);

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_BREAK_PLAN_H_
