// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/relocate_command.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "slab/observe/stats_server.h"
#include "tools/mxa/html_page.h"
#include "tools/mxa/output.h"
#include "tools/mxa/progress.h"
#include "tools/mxa/relocate.h"
#include "tools/mxa/relocate_options.h"
#include "tools/mxa/report.h"
#include "tools/mxa/result_file.h"

namespace mxa::tool {
int RelocateCommand(absl::Span<const absl::string_view> arguments, FILE* out, FILE* err) {
  const absl::StatusOr<RelocateOptions> options = ParseRelocateOptions(arguments);
  if (!options.ok()) return Fail(err, options.status().message());
  if (options->help) return Put(out, RelocateHelp()) ? 0 : Fail(err, "standard output: cannot write");

  const bool json_to_out = options->json == "-";
  ResultFile json(json_to_out ? "" : options->json);
  ResultFile html(options->html);
  for (const ResultFile* file : {&json, &html}) {
    if (!file->is_open()) return Fail(err, file->Error(""));
  }
  absl::StatusOr<Report> report = absl::InternalError("");
  {
    absl::StatusOr<std::unique_ptr<slab::observe::StatsServer>> server = nullptr;
    if (!options->socket.empty()) server = slab::observe::StatsServer::Start(options->socket);
    if (server.ok()) {
      Progress progress(!options->quiet);
      report = Relocate(*options, progress);
    } else {
      report = server.status();
    }
  }
  if (!report.ok()) return Fail(err, report.status().message());
  if (json_to_out && !Put(out, JsonOf(*report))) {
    return Fail(err, absl::StrCat("standard output: cannot write: ", strerror(errno)));
  }
  if (json.is_wanted() && !json.Replace(JsonOf(*report))) return Fail(err, json.Error("cannot write: "));
  if (html.is_wanted() && !html.Replace(HtmlOf(*report))) return Fail(err, html.Error("cannot write: "));
  if (!options->quiet && !json_to_out && !Put(out, TableOf(*report))) {
    return Fail(err, absl::StrCat("standard output: cannot write: ", strerror(errno)));
  }
  for (const std::string& problem : report->problems) Complain(err, problem);
  return report->exit_status();
}

}  // namespace mxa::tool
