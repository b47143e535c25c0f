// SPDX-License-Identifier: Apache-2.0
//
// What a run counts of its own work: to be shown, and to tell a run that says something from one that did too little.
//
// A new figure goes at the end of the enum, with its name in figures.cc.
#ifndef MXA_TOOLS_TORTURE_FIGURES_H_
#define MXA_TOOLS_TORTURE_FIGURES_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace mxa::torture {

enum class Figure : uint8_t {
  kReads,     // elements looked at
  kOutlived,  // of these, replaced while a reader held them: the close calls
  kWalks,     // walks over a part of an array
  kMarkedWalks,
  kCursorSteps,
  kCursorPauses,    // cursors that went on after a section had ended
  kUpdates,         // stores and erases
  kUpdatesRefused,  // for want of memory
  kPasses,
  kMoves,         // nodes
  kMovesSkipped,  // nodes that a pass left where they were
  kPipeUpdates,
  kPipeReads,
  kMails,         // round trips of the mailbox
  kGracePeriods,  // looked at by the oracle
  kRetired,       // elements
  kCalledBack,
  kThreads,     // started and ended
  kBursts,      // of readers that live for one section
  kArraysMade,  // and destroyed
  kPauses,      // at which everybody rested
  kAudits,
  kDelays,         // made at schedule points
  kChangePoints,   // at which a thread lost its priority
  kFloods,         // of retirements
  kChainRounds,    // retirements from the callback of the one before
  kReclaimerRuns,  // from Start to Stop of a background reclaimer
  kDropped,        // objects, by a shrinker
};
inline constexpr size_t kFigures = 28;
const char* FigureName(Figure figure);

using FigureValues = std::array<uint64_t, kFigures>;

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_FIGURES_H_
