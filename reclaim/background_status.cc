// SPDX-License-Identifier: Apache-2.0
//
// What a background reclaimer tells of itself, in words.
#include "absl/strings/str_format.h"
#include "reclaim/background.h"

namespace mxa::reclaim {

absl::string_view BackgroundStateName(BackgroundState state) {
  switch (state) {
    case BackgroundState::kStopped:
      return "stopped";
    case BackgroundState::kWatching:
      return "watching";
    case BackgroundState::kWorking:
      return "working";
    case BackgroundState::kResting:
      return "resting";
  }
  return "?";
}

std::string ToString(const BackgroundStatus& status) {
  std::string text;
  const RoundTotals& totals = status.totals;
  absl::StrAppendFormat(&text, "%s; pressure %s, %d bytes wanted%s%s\n", BackgroundStateName(status.state),
                        PressureLevelName(status.pressure.level), status.pressure.wanted_bytes,
                        status.pressure.source.empty() ? "" : ", says ", status.pressure.source);
  absl::StrAppendFormat(&text, "given back: %d bytes idle, %d under pressure, %d by shrinkers (%d objects)\n",
                        totals.idle_bytes, totals.pressed_bytes, totals.shrinker_bytes, totals.shrinker_objects);
  absl::StrAppendFormat(&text, "work: %d rounds, %d slices, %d of them fruitless; last reason: %s\n", totals.rounds,
                        totals.slices, totals.fruitless, totals.last_reason);
  absl::StrAppendFormat(&text, "time: %s of a processor in %s, %.2f %%; longest slice %s, elapsed %s\n",
                        absl::FormatDuration(status.cpu), absl::FormatDuration(status.running), status.cpu_percent,
                        absl::FormatDuration(totals.longest_slice_cpu), absl::FormatDuration(totals.longest_slice));
  for (const SourceStatus& source : status.sources) {
    absl::StrAppendFormat(&text, "source %s: %d of %d bytes idle; %d slices gave %d bytes; back-off %s\n", source.name,
                          source.held.idle_bytes, source.held.held_bytes, source.slices, source.bytes,
                          absl::FormatDuration(source.backoff));
  }
  for (const PressureSourceStatus& trigger : status.triggers) {
    absl::StrAppendFormat(&text, "trigger %s: %s\n", trigger.name,
                          trigger.problem.empty() ? PressureLevelName(trigger.last.level) : trigger.problem);
  }
  for (const RosterOccupied& inside : status.inside) absl::StrAppendFormat(&text, "inside %s\n", inside.name);
  return text;
}

}  // namespace mxa::reclaim
