// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/torture_options.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/planted_bug.h"
#include "tools/mxa/command_line.h"
#include "tools/torture/actor.h"
#include "tools/torture/break_plan.h"
#include "tools/torture/perturbation.h"
#include "tools/torture/shape.h"

namespace mxa::tool {
namespace {

// What is no option of a run as it stands.
struct Texts {
  std::string scenario;
  std::string planted;
  bool no_delays = false;
};

CommandLine Describe(TortureOptions& options, Texts& texts) {
  torture::Options& run = options.run;
  CommandLine line("mxa torture");
  line.Seconds("duration", "S", "work for S seconds (default 10)", &run.seconds);
  line.Number("seed", "N", "all chance comes from it (default 1)", 0, ~uint64_t{0}, &run.seed);
  line.Text("scenario", "A,B", "who takes part; --list-scenarios says who there is (default mixed: all at once)",
            &texts.scenario);
  line.Choice("shape", "which indices are used (default mixed)", torture::ShapeNames(), &run.shape);
  line.Number("readers", "N", "readers of each kind (default 2)", 0, 64, &run.readers);
  line.Number("writers", "N", "writers (default 2)", 0, 64, &run.writers);
  line.Seconds("stutter", "S", "rest and audit everything every S seconds (default 2)", &run.stutter_seconds);
  line.Seconds("stall", "S", "a step that takes longer is a stall (default 30)", &run.stall_seconds);
  line.Switch("no-delays", "no delays at schedule points", &texts.no_delays);
  line.Switch("single-threaded", "all on one thread, in an order that the seed decides: replays exactly",
              &run.single_threaded);
  line.Number("steps", "N", "of a single-threaded run, in place of --duration (default 20000)", 1, uint64_t{1} << 40,
              &run.steps);
  line.Text(
      "break", "NAME",
      "plant a bug, to see it found, in the scenarios that meet it most often unless told which; in builds with hooks",
      &texts.planted);
  line.Switch("list-breaks", "the bugs that can be planted", &options.list_breaks);
  line.Switch("list-scenarios", "the scenarios there are", &options.list_scenarios);
  line.Text("json", "FILE", "write the figures as JSON; - writes them to standard output instead of the lines",
            &options.json);
  line.Text("html", "FILE", "write a page with the verdict and the figures, for any browser", &options.html);
  line.Switch("quiet", "no lines: errors only", &options.quiet);
  line.Switch("help", "this text", &options.help);
  return line;
}

absl::Status CheckScenarios(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (name != "mixed" && torture::ScenarioByName(name) == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("--scenario: there is no '", name, "'; see --list-scenarios"));
    }
  }
  return absl::OkStatus();
}

// What is most likely to meet a planted bug.
void SetPlan(const torture::BreakPlan& plan, torture::Options& run) {
  run.scenarios = absl::StrSplit(plan.scenarios, ',');
  if (run.shape == torture::Options().shape) run.shape = plan.shape;
}

}  // namespace

absl::StatusOr<TortureOptions> ParseTortureOptions(absl::Span<const absl::string_view> arguments) {
  TortureOptions options;
  Texts texts;
  if (absl::Status status = Describe(options, texts).Parse(arguments); !status.ok()) return status;
  options.run.perturb = !texts.no_delays;
  if (!texts.scenario.empty()) options.run.scenarios = absl::StrSplit(texts.scenario, ',');
  if (absl::Status status = CheckScenarios(options.run.scenarios); !status.ok()) return status;
  if (options.run.seconds <= 0 || options.run.stutter_seconds <= 0 || options.run.stall_seconds <= 0) {
    return absl::InvalidArgumentError("--duration, --stutter and --stall are above 0");
  }
  if (!texts.planted.empty()) {
    const std::optional<PlantedBug> bug = PlantedBugByName(texts.planted);
    if (!torture::Perturbation::IsPossible()) {
      return absl::InvalidArgumentError("--break: this build has no planted bugs; ./dev torture --hooks has");
    }
    if (!bug.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("--break: there is no '", texts.planted, "'; see --list-breaks"));
    }
    options.run.planted = *bug;
    if (texts.scenario.empty()) SetPlan(torture::PlanFor(*bug), options.run);
  }
  return options;
}

std::string TortureHelp() {
  TortureOptions options;
  Texts texts;
  return absl::StrCat(
      "usage: mxa torture [options]\n"
      "\n"
      "Uses the library in every way at once, and checks all along that no reader, writer or grace period goes wrong.\n"
      "\n",
      Describe(options, texts).Help(),
      "\n"
      "Exit status: 0 nothing found; 1 a violation; 2 bad usage; 3 nothing found, but too little done to say so; 4 a "
      "step that does not end; 66 a sanitizer's finding.\n");
}

std::string ScenarioList() {
  std::string text = absl::StrFormat("%-12s %s\n", "mixed", "all that follow, at once");
  for (const torture::ScenarioKind& kind : torture::ScenarioKinds()) {
    absl::StrAppendFormat(&text, "%-12s %s%s\n", kind.name, kind.summary, kind.in_mixed ? "" : " (not in mixed)");
  }
  return text;
}

std::string BreakList() {
  std::string text;
  for (const PlantedBugInfo& info : PlantedBugs()) absl::StrAppendFormat(&text, "%-28s %s\n", info.name, info.what);
  return text;
}

}  // namespace mxa::tool
