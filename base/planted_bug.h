// SPDX-License-Identifier: Apache-2.0
//
// Bugs planted on purpose, one at a time, so that a test can show it would notice: compiled in with MXA_HOOKS=1 only.
//
// A test that stays green under a planted bug is not a test. In product builds PlantedBugIs() is the constant false.
// Threads: set and cleared while the code under test is at rest.
// Why no bug is a weakened memory order: on x86 the compiler alone could make it one. Those are planted as steps in the
// wrong order.
#ifndef MXA_BASE_PLANTED_BUG_H_
#define MXA_BASE_PLANTED_BUG_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/schedule_point.h"

namespace mxa {

// What each of them is, PlantedBugs() says.
enum class PlantedBug {
  kNone,

  // Grace periods and retirement.
  kNoGracePeriod,
  kGracePeriodBeforeUnlink,
  kRelocationFreesAtOnce,
  kLateArrivals,
  kGracePeriodSkippedOften,
  kGracePeriodSkippedRarely,
  kCalledBackTwice,
  kNeverCalledBack,
  kNodeFreedAtOnce,
  kSheafRecycledAtOnce,

  // Moving nodes and values.
  kNoRetryAfterMove,
  kNoOwnerRecheck,
  kOwnerNotPinned,
  kDestroyerDoesNotWait,
  kHazardClearedEarly,
  kRelocationUnlocked,
  kRelocationBeforeCopy,
  kMarksNotCopied,
  kValueMovedUnchecked,
  kValueOwnerNotPinned,

  // Readers of an array.
  kLoadMissesRetry,
  kIteratorMissesRetry,
  kMarkOfMovedNode,
  kMarkOfAnotherEntry,
  kSiblingNotRechecked,

  // Writers of an array.
  kPublishBeforeInit,
  kEraseLeavesParentSlot,
  kShrinkWithoutRetry,
  kGrowForgetsMarks,
  kStaleAncestorMark,
  kMissingAncestorMark,
  kRangeLeavesOldSibling,
  kOrderEntryFirst,
  kSplitAscends,
  kIdFoundUnlocked,
  kFreedIndexNotFound,
  kFreedIdNotFound,
  kReserveLeaks,

  // Slabs and their caches.
  kDrainSkipped,
  kBarnOpenDuringDrain,
  kFreeEntersSheaf,
  kHandedOutTwice,
  kConstructedAfterRelisting,
  kDestinationGivenBack,
  kLiveCounterDrifts,
  kEmptySlabKept,
  kThreadExitLosesSheaf,
  kBlockOverlapsLiveSlab,
  kRollBackInOrder,
  kNotRolledBack,
  kVetoLeaks,

  // The torture bench itself: readers that break the rules, a check that does not look everywhere.
  kSplitReadSection,
  kUnregisteredReader,
  kCheckerSkipsLastBucket,
};

struct PlantedBugInfo {
  PlantedBug bug = PlantedBug::kNone;
  absl::string_view name;  // in kebab-case
  absl::string_view what;
  uint32_t one_in = 1;  // of the times at which the code gets there, so many are spared for one that is not
};

// All of them but kNone, in the order of the enumeration.
absl::Span<const PlantedBugInfo> PlantedBugs();
std::optional<PlantedBug> PlantedBugByName(absl::string_view name);

#if MXA_HOOKS
// At the rate that PlantedBugs() gives.
void PlantBugForTest(PlantedBug bug);
// True when `bug` is planted and its turn has come; each such answer is counted, so that a test can tell that the bug
// really ran.
bool PlantedBugIs(PlantedBug bug);
int PlantedBugRunsForTest();
#else
constexpr bool PlantedBugIs(PlantedBug) { return false; }
#endif

}  // namespace mxa

#endif  // MXA_BASE_PLANTED_BUG_H_
