// SPDX-License-Identifier: Apache-2.0
#include "absl/strings/string_view.h"
#include "base/tsan.h"
#include "tools/torture/scenarios.h"

namespace mxa::torture {
namespace {

// In the order in which their actors are started.
constexpr ScenarioKind kKinds[] = {
    {"readwrite", "readers of single entries, and writers that replace, erase and store them", &MakeReadWrite},
    {"movers", "passes of all kinds over the nodes", &MakeMovers},
    {"pipe", "elements that age by a grace period at a time, under readers who look how old they are", &MakeAgePipe},
    {"grace", "grace periods held against the sections that were open, and letters through them", &MakeGracePeriods},
    {"walks", "walks up, down, marked, by cursors and ranges, some kept across pauses", &MakeWalkers},
    {"churn", "threads that come and go, some for one read section", &MakeChurn},
    {"arrays", "arrays that are made and destroyed", &MakeBriefArrays},
    {"roots", "a tree that grows and shrinks all the time above an entry that stays", &MakeRoots},
    {"marks", "marks that come and go, and readers that know what each place may say", &MakeMarks},
    {"orders", "entries of several indices, stored, split and erased under readers of any two of them", &MakeOrders},
    {"iteration", "walks of all kinds over entries of one order that are added and removed", &MakeIteration},
    {"ids", "IDs from an array and from an Ida, until none is left", &MakeIds},
    {"objects", "a cache of its own: no object is two threads', none is lost, empty slabs go back", &MakeObjects},
    {"handlers", "handlers that veto allocations, and what those before them are told", &MakeHandlers},
    {"values", "maps whose values move, made and destroyed meanwhile", &MakeValues},
    {"blocks", "contiguous blocks that are written all over and looked at again", &MakeBlocks},
    {"shortage", "memory that cannot be had: what fails has changed nothing, and nothing is lost", &MakeShortage},
    {"forks", "forks under way: the child reads, retires, allocates and ends", &MakeForks,
     /*in_mixed=*/MXA_TSAN == 0},  // ThreadSanitizer's own locks do not live through forks
    {"endings", "arrays and maps that end while the mover is about to lock them", &MakeEndings},
    {"movables", "movable objects of its own: users, passes that move half of them, and blocks", &MakeMovables},
    {"floods", "tens of thousands of retirements at once, and one that comes again from its own callback", &MakeFloods},
    {"pressure", "a background reclaimer that starts and stops, under pressure that comes and goes", &MakePressure,
     /*in_mixed=*/true, /*replays=*/false},  // what its thread moves and drops is up to when it runs
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
