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
#include "tools/mxa/html_page.h"
#include "tools/mxa/output.h"
#include "tools/mxa/progress.h"
#include "tools/mxa/relocate.h"
#include "tools/mxa/relocate_options.h"
#include "tools/mxa/report.h"

namespace mxa::tool {
namespace {

// A file that is opened before a run, and not emptied before there is something to put into it: a run of minutes must not
// end with a file that cannot be written, nor a failed one with a good old file gone.
class ResultFile {
 public:
  // `path` empty: no file.
  explicit ResultFile(const std::string& path) : path_(path) {
    if (!path.empty()) file_ = fopen(path.c_str(), "ae");
  }
  ~ResultFile() {
    if (file_ != nullptr) fclose(file_);
  }
  ResultFile(const ResultFile&) = delete;
  ResultFile& operator=(const ResultFile&) = delete;

  bool is_wanted() const { return !path_.empty(); }
  bool is_open() const { return !is_wanted() || file_ != nullptr; }
  // Replaces what is there, if it is of a kind that can be shortened, and closes the file.
  bool Replace(const std::string& text) {
    FILE* const file = std::exchange(file_, nullptr);
    const bool written = (ftruncate(fileno(file), 0) == 0 || errno == EINVAL) && Put(file, text);
    return fclose(file) == 0 && written;
  }
  std::string Error(absl::string_view what) const { return absl::StrCat(path_, ": ", what, strerror(errno)); }

 private:
  const std::string path_;
  FILE* file_ = nullptr;
};

}  // namespace

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
