// SPDX-License-Identifier: Apache-2.0
#include "base/planted_bug.h"

#include <atomic>
#include <cstddef>
#include <iterator>

namespace mxa {
namespace {

using Bug = PlantedBug;

constexpr PlantedBugInfo kBugs[] = {
    {Bug::kNoGracePeriod, "no-grace-period", "a pass releases its slabs without a grace period after the last move"},
    {Bug::kGracePeriodBeforeUnlink, "grace-period-before-unlink",
     "the grace period a pass waits for begins before its moves"},
    {Bug::kRelocationFreesAtOnce, "relocation-frees-at-once",
     "the mover resets the old copy of a node as soon as it has left"},
    {Bug::kLateArrivals, "late-arrivals", "what is retired during a grace period is called back at its end"},
    {Bug::kGracePeriodSkippedOften, "grace-period-skipped-1-in-100", "one grace period in 100 is not waited for", 100},
    {Bug::kGracePeriodSkippedRarely, "grace-period-skipped-1-in-1000", "one grace period in 1,000 is not waited for",
     1000},
    {Bug::kCalledBackTwice, "called-back-twice", "one retirement in 1,000 is called back twice", 1000},
    {Bug::kNeverCalledBack, "never-called-back", "one retirement in 1,000 is never called back", 1000},
    {Bug::kNodeFreedAtOnce, "node-freed-at-once", "a node that leaves its tree is freed without a grace period"},
    {Bug::kSheafRecycledAtOnce, "sheaf-recycled-at-once",
     "a sheaf of retired objects is recycled without a grace period"},

    {Bug::kNoRetryAfterMove, "no-retry-after-move", "the mover leaves the dead copy's slots as they were"},
    {Bug::kNoOwnerRecheck, "no-owner-recheck", "the mover does not look at the owner again under the array lock"},
    {Bug::kOwnerNotPinned, "owner-not-pinned", "the mover does not say which array it is about to lock"},
    {Bug::kDestroyerDoesNotWait, "destroyer-does-not-wait",
     "the end of an array or a map does not wait for a mover that has it pinned"},
    {Bug::kHazardClearedEarly, "hazard-cleared-early", "the mover clears its hazard slot before it unlocks the array"},
    {Bug::kRelocationUnlocked, "relocation-unlocked",
     "the mover lets go of the array lock between copy and publication"},
    {Bug::kRelocationBeforeCopy, "relocation-before-copy",
     "the mover publishes the destination before it has copied the node"},
    {Bug::kMarksNotCopied, "marks-not-copied", "the mover copies slots and no marks"},
    {Bug::kValueMovedUnchecked, "value-moved-unchecked",
     "a value is moved without a look at whether its slot still leads to it"},
    {Bug::kValueOwnerNotPinned, "value-owner-not-pinned",
     "the mover of values does not say which map it is about to lock"},

    {Bug::kLoadMissesRetry, "load-misses-retry", "a load takes retry for a hole"},
    {Bug::kIteratorMissesRetry, "iterator-misses-retry", "a cursor takes retry for a hole"},
    {Bug::kMarkOfMovedNode, "mark-of-moved-node", "who reads a mark does not look whether the node has left meanwhile"},
    {Bug::kMarkOfAnotherEntry, "mark-of-another-entry",
     "who reads a mark does not look whether the entry is still there"},
    {Bug::kSiblingNotRechecked, "sibling-not-rechecked", "who was led on by a sibling does not look at it again"},

    {Bug::kPublishBeforeInit, "publish-before-init",
     "a growing tree publishes its new top before the old one hangs below"},
    {Bug::kEraseLeavesParentSlot, "erase-leaves-parent-slot",
     "a node that has become empty is retired and stays linked"},
    {Bug::kShrinkWithoutRetry, "shrink-without-retry",
     "a top node that is not needed any more leaves without saying retry"},
    {Bug::kGrowForgetsMarks, "grow-forgets-marks", "a growing tree does not carry its marks up into the new nodes"},
    {Bug::kStaleAncestorMark, "stale-ancestor-mark",
     "clearing the last mark of a leaf leaves those of the nodes above"},
    {Bug::kMissingAncestorMark, "missing-ancestor-mark", "setting a mark leaves out the nodes above the leaf"},
    {Bug::kRangeLeavesOldSibling, "range-leaves-old-slot",
     "an entry of several slots is stored to all of them but the last"},
    {Bug::kOrderEntryFirst, "order-entry-first",
     "an entry of several slots is published before those that are tied to it"},
    {Bug::kSplitAscends, "split-ascends",
     "a split replaces the slot that holds the entry before those that are tied to it"},
    {Bug::kIdFoundUnlocked, "id-found-unlocked", "the lock is let go between finding a free index and taking it"},
    {Bug::kFreedIndexNotFound, "freed-index-not-found", "an index that becomes free in a full node is not noted above"},
    {Bug::kFreedIdNotFound, "freed-id-not-found", "an Ida does not note that a full chunk has an ID free again"},
    {Bug::kReserveLeaks, "reserve-leaks", "a store forgets one of the nodes that it has set aside and not used"},

    {Bug::kDrainSkipped, "drain-skipped", "thread sheaves are not drained before the bitmap is read"},
    {Bug::kBarnOpenDuringDrain, "barn-open-during-drain",
     "sheaves go in and out of the barn unfiltered while the drain runs"},
    {Bug::kFreeEntersSheaf, "free-enters-sheaf", "an object of a slab that a pass has marked is freed into a sheaf"},
    {Bug::kHandedOutTwice, "handed-out-twice", "one refill in 1,000 leaves what it takes free in the slab", 1000},
    {Bug::kConstructedAfterRelisting, "constructed-after-relisting",
     "moved objects' places are constructed anew when they can be allocated already"},
    {Bug::kDestinationGivenBack, "destination-given-back",
     "a pass gives a destination back before it moves an object there"},
    {Bug::kLiveCounterDrifts, "live-counter-drifts", "one change in 1,000 of a slab's occupancy is not counted", 1000},
    {Bug::kEmptySlabKept, "empty-slab-kept", "one empty slab in 16 is taken from its cache and never given back", 16},
    {Bug::kThreadExitLosesSheaf, "thread-exit-loses-sheaf", "what a thread's sheaf holds when the thread ends is lost"},
    {Bug::kBlockOverlapsLiveSlab, "block-overlaps-live-slab",
     "a contiguous block is handed out with slabs in use inside"},
    {Bug::kRollBackInOrder, "roll-back-in-order", "handlers that agreed are told of a veto the first one first"},
    {Bug::kNotRolledBack, "not-rolled-back", "handlers that agreed are not told of a veto"},
    {Bug::kVetoLeaks, "veto-leaks", "an object that handlers have vetoed is not freed"},

    {Bug::kSplitReadSection, "split-read-section",
     "a reader ends its section between load and use, and begins another"},
    {Bug::kUnregisteredReader, "unregistered-reader", "a reader looks for entries outside any section"},
    {Bug::kCheckerSkipsLastBucket, "checker-skips-last-bucket",
     "the check for what aged under readers leaves out its last bucket"},
};

constexpr bool InOrder() {
  for (size_t i = 0; i < std::size(kBugs); ++i) {
    if (kBugs[i].bug != static_cast<PlantedBug>(i + 1)) return false;
  }
  return kBugs[std::size(kBugs) - 1].bug == Bug::kCheckerSkipsLastBucket;
}
static_assert(InOrder(), "the table has one line for each bug, in the order of the enumeration");

}  // namespace

absl::Span<const PlantedBugInfo> PlantedBugs() { return kBugs; }

std::optional<PlantedBug> PlantedBugByName(absl::string_view name) {
  for (const PlantedBugInfo& info : kBugs) {
    if (info.name == name) return info.bug;
  }
  return std::nullopt;
}

#if MXA_HOOKS
namespace {
// Relaxed throughout: planted while the code under test is at rest, and the thread that starts it orders the rest.
std::atomic<PlantedBug> g_bug{PlantedBug::kNone};
std::atomic<uint32_t> g_one_in{1};
std::atomic<uint32_t> g_chances{0};
std::atomic<int> g_runs{0};
}  // namespace

void PlantBugForTest(PlantedBug bug) {
  g_bug.store(bug, std::memory_order_relaxed);
  const uint32_t one_in = bug == PlantedBug::kNone ? 1 : kBugs[static_cast<size_t>(bug) - 1].one_in;
  g_one_in.store(one_in, std::memory_order_relaxed);
  g_chances.store(0, std::memory_order_relaxed);
  g_runs.store(0, std::memory_order_relaxed);
}

bool PlantedBugIs(PlantedBug bug) {
  if (g_bug.load(std::memory_order_relaxed) != bug) return false;
  const uint32_t one_in = g_one_in.load(std::memory_order_relaxed);
  if (one_in != 1 && (g_chances.fetch_add(1, std::memory_order_relaxed) + 1) % one_in != 0) return false;
  g_runs.fetch_add(1, std::memory_order_relaxed);
  return true;
}

int PlantedBugRunsForTest() { return g_runs.load(std::memory_order_relaxed); }
#endif

}  // namespace mxa
