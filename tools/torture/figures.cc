// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/figures.h"

namespace mxa::torture {
namespace {

// In the order of the enum. Keys of the JSON report: stable.
constexpr const char* kNames[] = {
    "reads",           "outlived", "walks",         "marked_walks",  "cursor_steps", "cursor_pauses",  "updates",
    "updates_refused", "passes",   "moves",         "moves_skipped", "pipe_updates", "pipe_reads",     "mails",
    "grace_periods",   "retired",  "called_back",   "threads",       "bursts",       "arrays_made",    "pauses",
    "audits",          "delays",   "change_points", "floods",        "chain_rounds", "reclaimer_runs", "dropped",
};
static_assert(sizeof(kNames) / sizeof(kNames[0]) == kFigures);

}  // namespace

const char* FigureName(Figure figure) { return kNames[static_cast<size_t>(figure)]; }

}  // namespace mxa::torture
