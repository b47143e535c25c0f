// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/break_plan.h"

namespace mxa::torture {

BreakPlan PlanFor(PlantedBug bug) {
  using Bug = PlantedBug;
  switch (bug) {
    case Bug::kGracePeriodSkippedOften:
    case Bug::kGracePeriodSkippedRarely:
      return {"grace", "tiny"};
    case Bug::kCheckerSkipsLastBucket:
      return {"pipe", "tiny"};
    case Bug::kNoRetryAfterMove:
    case Bug::kIteratorMissesRetry:
      return {"roots,movers", "tiny"};
    case Bug::kShrinkWithoutRetry:
    case Bug::kPublishBeforeInit:
    case Bug::kGrowForgetsMarks:
    case Bug::kStaleAncestorMark:
    case Bug::kMissingAncestorMark:
      return {"roots", "tiny"};
    case Bug::kNodeFreedAtOnce:
      return {"roots,arrays", "tiny"};
    case Bug::kMarksNotCopied:
    case Bug::kMarkOfMovedNode:
      return {"marks,movers", "tiny"};
    case Bug::kMarkOfAnotherEntry:
      return {"marks", "tiny"};
    case Bug::kNoOwnerRecheck:
      return {"arrays,movers", "tiny"};
    case Bug::kOwnerNotPinned:
    case Bug::kDestroyerDoesNotWait:
    case Bug::kHazardClearedEarly:
    case Bug::kValueOwnerNotPinned:
      return {"endings", "tiny"};
    case Bug::kValueMovedUnchecked:
      return {"values", "tiny"};
    case Bug::kSiblingNotRechecked:
    case Bug::kRangeLeavesOldSibling:
    case Bug::kOrderEntryFirst:
    case Bug::kSplitAscends:
    case Bug::kEraseLeavesParentSlot:
      return {"orders", "tiny"};
    case Bug::kIdFoundUnlocked:
    case Bug::kFreedIndexNotFound:
    case Bug::kFreedIdNotFound:
      return {"ids", "tiny"};
    case Bug::kReserveLeaks:
      return {"shortage", "tiny"};
    case Bug::kDrainSkipped:
    case Bug::kBarnOpenDuringDrain:
    case Bug::kFreeEntersSheaf:
    case Bug::kConstructedAfterRelisting:
    case Bug::kDestinationGivenBack:
    case Bug::kBlockOverlapsLiveSlab:
      return {"movables", "tiny"};
    case Bug::kHandedOutTwice:
    case Bug::kLiveCounterDrifts:
    case Bug::kEmptySlabKept:
    case Bug::kThreadExitLosesSheaf:
      return {"objects", "tiny"};
    case Bug::kRollBackInOrder:
    case Bug::kNotRolledBack:
    case Bug::kVetoLeaks:
      return {"handlers", "tiny"};
    default:
      return {"readwrite,movers", "tiny"};
  }
}

}  // namespace mxa::torture
