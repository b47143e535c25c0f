// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/report_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "reclaim/rcu.h"
#include "tools/torture/perturbation.h"

namespace mxa::torture {
namespace {

std::string NameOf(PlantedBug bug) {
  for (const PlantedBugInfo& info : PlantedBugs()) {
    if (info.bug == bug) return std::string(info.name);
  }
  return "none";
}

void AddLine(std::string& text, const Report& report, const std::string& line) {
  absl::StrAppendFormat(&text, "[%7.1f s] %s\n", report.seconds, line);
}

// Everything that was counted, eight to a line.
void AddFigures(std::string& text, const Report& report) {
  std::string line;
  for (size_t i = 0; i < kFigures; ++i) {
    if (report.figures[i] != 0) {
      absl::StrAppendFormat(&line, "%s%s: %d", line.empty() ? "" : " ", FigureName(static_cast<Figure>(i)),
                            report.figures[i]);
    }
    if (!line.empty() && (i % 8 == 7 || i + 1 == kFigures)) {
      AddLine(text, report, line);
      line.clear();
    }
  }
}

}  // namespace

std::string ParametersOf(const Options& options) {
  std::string text = absl::StrFormat("--seed=%d --scenario=%s --shape=%s --readers=%d --writers=%d --stutter=%g",
                                     options.seed, absl::StrJoin(options.scenarios, ","), options.shape,
                                     options.readers, options.writers, options.stutter_seconds);
  if (options.single_threaded) {
    absl::StrAppendFormat(&text, " --single-threaded --steps=%d", options.steps);
  } else {
    absl::StrAppendFormat(&text, " --duration=%g", options.seconds);
  }
  if (!options.perturb) absl::StrAppend(&text, " --no-delays");
  if (options.planted != PlantedBug::kNone) absl::StrAppend(&text, " --break=", NameOf(options.planted));
  absl::StrAppendFormat(&text, " (RCU: %s, %s schedule points)", reclaim::FlavorName(),
                        Perturbation::IsPossible() ? "with" : "without");
  return text;
}

std::string StatusOf(const Report& report) {
  std::string text;
  AddFigures(text, report);
  AddLine(text, report,
          absl::StrFormat("grace periods of the process: %d, the longest seen: %.1f ms, backlog: %d elements",
                          report.grace_periods, report.longest_latency * 1e3, report.backlog));
  AddLine(text, report, absl::StrCat("Reader Pipe:  ", absl::StrJoin(report.reader_pipe, " ")));
  AddLine(text, report, absl::StrCat("Reader Batch:  ", absl::StrJoin(report.reader_batch, " ")));
  AddLine(text, report, absl::StrCat("Free-Block Circulation:  ", absl::StrJoin(report.circulation, " ")));
  if (report.total_errors() == 0) return text;
  std::string line = "!!!";
  for (size_t i = 0; i < kErrors; ++i) {
    if (report.errors[i] != 0) {
      absl::StrAppend(&line, " ", ErrorName(static_cast<Error>(i)), ": ", report.errors[i]);
    }
  }
  AddLine(text, report, line);
  return text;
}

std::string SummaryOf(const Report& report) {
  std::string text = StatusOf(report);
  if (!report.first_error.empty()) {
    absl::StrAppend(&text, "first violation: ", report.first_error, "\n", report.first_operations);
  }
  if (report.total_errors() == 0) {
    for (const std::string& shortfall : report.shortfalls) absl::StrAppend(&text, "too little: ", shortfall, "\n");
  }
  if (report.options.planted != PlantedBug::kNone) {
    absl::StrAppendFormat(&text, "planted bug %s: executed %d times\n", NameOf(report.options.planted),
                          report.planted_runs);
  }
  if (report.options.single_threaded) absl::StrAppendFormat(&text, "digest: %016x\n", report.digest);
  absl::StrAppend(&text, "End of test: ", VerdictName(report.verdict()), ": ", ParametersOf(report.options), "\n");
  return text;
}

}  // namespace mxa::torture
