// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/relocate_command.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "slab/observe/stats_server.h"
#include "tools/mxa/output.h"
#include "tools/mxa/progress.h"
#include "tools/mxa/relocate.h"
#include "tools/mxa/relocate_options.h"
#include "tools/mxa/report.h"

namespace mxa::tool {
namespace {

// Replaces what `file`, opened to append, holds so far, if it is of a kind that can be shortened.
bool Replace(FILE* file, const std::string& text) {
  if (ftruncate(fileno(file), 0) != 0 && errno != EINVAL) return false;
  return Put(file, text);
}

}  // namespace

int RelocateCommand(absl::Span<const absl::string_view> arguments, FILE* out, FILE* err) {
  const absl::StatusOr<RelocateOptions> options = ParseRelocateOptions(arguments);
  if (!options.ok()) return Fail(err, options.status().message());
  if (options->help) return Put(out, RelocateHelp()) ? 0 : Fail(err, "standard output: cannot write");

  // Opened first, and not emptied yet: a run of minutes must not end with a file that cannot be written, nor a failed
  // one with a good old file gone.
  FILE* json = nullptr;
  if (options->json == "-") {
    json = out;
  } else if (!options->json.empty()) {
    json = fopen(options->json.c_str(), "ae");
    if (json == nullptr) return Fail(err, absl::StrCat(options->json, ": ", strerror(errno)));
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
  bool written = true;
  if (report.ok() && json != nullptr)
    written = json == out ? Put(out, JsonOf(*report)) : Replace(json, JsonOf(*report));
  if (json != nullptr && json != out) written = fclose(json) == 0 && written;
  if (!report.ok()) return Fail(err, report.status().message());
  if (!written) return Fail(err, absl::StrCat(options->json, ": cannot write: ", strerror(errno)));
  if (!options->quiet && options->json != "-" && !Put(out, TableOf(*report))) {
    return Fail(err, absl::StrCat("standard output: cannot write: ", strerror(errno)));
  }
  for (const std::string& problem : report->problems) Complain(err, problem);
  return report->exit_status();
}

}  // namespace mxa::tool
