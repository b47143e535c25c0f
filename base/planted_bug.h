// SPDX-License-Identifier: Apache-2.0
//
// Bugs planted on purpose, one at a time, so that a test can show it would notice: compiled in with MXA_HOOKS=1 only.
//
// A test that stays green under a planted bug is not a test. In product builds PlantedBugIs() is the constant false.
// Threads: set and cleared while the code under test is at rest.
#ifndef MXA_BASE_PLANTED_BUG_H_
#define MXA_BASE_PLANTED_BUG_H_

#include "base/schedule_point.h"

namespace mxa {

enum class PlantedBug {
  kNone,
  kNoRetryAfterMove,     // the mover leaves the dead copy's slots as they were
  kNoOwnerRecheck,       // the mover does not look at the owner again under the array lock
  kHazardClearedEarly,   // the mover clears its hazard slot before it unlocks the array
  kNoGracePeriod,        // slabs are released without a grace period after the last move
  kDrainSkipped,         // thread sheaves are not drained before the bitmap is read
  kFreedIdNotFound,      // an Ida does not note that a full chunk has an ID free again
  kBarnOpenDuringDrain,  // sheaves go in and out of the barn unfiltered while the drain runs

  // Of the torture bench itself (tools/torture).
  kSplitReadSection,        // a reader leaves its section and enters another between load and use
  kUnregisteredReader,      // a reader uses what it loads outside every section
  kCheckerSkipsLastBucket,  // the sum over the ages that no reader may see leaves out the last
};

#if MXA_HOOKS
void PlantBugForTest(PlantedBug bug);
// True when `bug` is planted; each such answer is counted, so that a test can tell that the bug really ran.
bool PlantedBugIs(PlantedBug bug);
int PlantedBugRunsForTest();
#else
constexpr bool PlantedBugIs(PlantedBug) { return false; }
#endif

}  // namespace mxa

#endif  // MXA_BASE_PLANTED_BUG_H_
