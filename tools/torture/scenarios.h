// SPDX-License-Identifier: Apache-2.0
//
// How each scenario is made; scenario_list.cc has their names.
#ifndef MXA_TOOLS_TORTURE_SCENARIOS_H_
#define MXA_TOOLS_TORTURE_SCENARIOS_H_

#include <memory>

#include "tools/torture/actor.h"

namespace mxa::torture {

std::unique_ptr<Scenario> MakeReadWrite(World& world);     // read_write.cc
std::unique_ptr<Scenario> MakeMovers(World& world);        // movers.cc
std::unique_ptr<Scenario> MakeAgePipe(World& world);       // age_pipe.cc
std::unique_ptr<Scenario> MakeGracePeriods(World& world);  // grace_periods.cc
std::unique_ptr<Scenario> MakeWalkers(World& world);       // walkers.cc
std::unique_ptr<Scenario> MakeChurn(World& world);         // churn.cc
std::unique_ptr<Scenario> MakeBriefArrays(World& world);   // brief_arrays.cc
std::unique_ptr<Scenario> MakeRoots(World& world);         // roots.cc
std::unique_ptr<Scenario> MakeMarks(World& world);         // marks.cc
std::unique_ptr<Scenario> MakeOrders(World& world);        // orders.cc
std::unique_ptr<Scenario> MakeIteration(World& world);     // iteration.cc
std::unique_ptr<Scenario> MakeIds(World& world);           // ids.cc
std::unique_ptr<Scenario> MakeObjects(World& world);       // objects.cc
std::unique_ptr<Scenario> MakeHandlers(World& world);      // handlers.cc
std::unique_ptr<Scenario> MakeValues(World& world);        // values.cc
std::unique_ptr<Scenario> MakeBlocks(World& world);        // blocks.cc
std::unique_ptr<Scenario> MakeShortage(World& world);      // shortage.cc
std::unique_ptr<Scenario> MakeForks(World& world);         // forks.cc
std::unique_ptr<Scenario> MakeEndings(World& world);       // endings.cc
std::unique_ptr<Scenario> MakeMovables(World& world);      // movables.cc
std::unique_ptr<Scenario> MakeFloods(World& world);        // floods.cc
std::unique_ptr<Scenario> MakePressure(World& world);      // pressure.cc

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_SCENARIOS_H_
