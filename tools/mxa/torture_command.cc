// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/torture_command.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "tools/mxa/output.h"
#include "tools/mxa/result_file.h"
#include "tools/mxa/torture_options.h"
#include "tools/mxa/torture_page.h"
#include "tools/torture/crash_report.h"
#include "tools/torture/engine.h"
#include "tools/torture/report_text.h"

namespace mxa::tool {
namespace {

// Where the results of a run go.
class Results final : public torture::Listener {
 public:
  Results(const TortureOptions& options, FILE* out)
      : options_(options),
        out_(out),
        json_to_out_(options.json == "-"),
        json_(json_to_out_ ? "" : options.json),
        html_(options.html) {}

  // Empty, or which file cannot be opened, and why.
  std::string OpenError() const {
    for (const ResultFile* file : {&json_, &html_}) {
      if (!file->is_open()) return file->Error("");
    }
    return "";
  }
  bool wants_lines() const { return !options_.quiet && !json_to_out_; }

  void Begin() {
    if (wants_lines()) Put(out_, absl::StrCat("mxa torture ", torture::ParametersOf(options_.run), "\n"));
  }

  // Lines as the run goes on are for who watches it.
  void OnPause(const torture::Report& report) override {
    if (wants_lines() && isatty(fileno(out_)) != 0) Put(out_, torture::StatusOf(report));
  }

  void OnStall(const torture::Report& report, const std::string& description) override {
    if (!options_.quiet) Put(stderr, description);
    End(report);
  }

  // Empty, or what could not be written.
  std::string End(const torture::Report& report) {
    const std::string json = torture::JsonOf(report);
    if (json_.is_wanted() && !json_.Replace(json)) return json_.Error("cannot write: ");
    if (html_.is_wanted() && !html_.Replace(HtmlOf(report))) return html_.Error("cannot write: ");
    const bool written = json_to_out_ ? Put(out_, json) : options_.quiet || Put(out_, torture::SummaryOf(report));
    return written ? "" : absl::StrCat("standard output: cannot write: ", strerror(errno));
  }

 private:
  const TortureOptions& options_;
  FILE* const out_;
  const bool json_to_out_;
  ResultFile json_;
  ResultFile html_;
};

}  // namespace

int TortureCommand(absl::Span<const absl::string_view> arguments, FILE* out, FILE* err) {
  const absl::StatusOr<TortureOptions> options = ParseTortureOptions(arguments);
  if (!options.ok()) return Fail(err, options.status().message());
  if (options->help || options->list_scenarios || options->list_breaks) {
    const std::string text = options->help ? TortureHelp() : options->list_scenarios ? ScenarioList() : BreakList();
    return Put(out, text) ? 0 : Fail(err, "standard output: cannot write");
  }
  Results results(*options, out);
  if (const std::string error = results.OpenError(); !error.empty()) return Fail(err, error);
  results.Begin();
  const torture::CrashReport crash_report(torture::ParametersOf(options->run));
  const torture::Report report = torture::RunTorture(options->run, &results);
  if (const std::string error = results.End(report); !error.empty()) return Fail(err, error);
  if (report.total_errors() != 0) Complain(err, report.first_error);
  return torture::ExitStatus(report.verdict());
}

}  // namespace mxa::tool
