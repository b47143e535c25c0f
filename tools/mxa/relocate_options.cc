// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/relocate_options.h"

#include "absl/strings/str_cat.h"
#include "tools/mxa/command_line.h"

namespace mxa::tool {
namespace {

CommandLine Describe(RelocateOptions& options, std::string& format) {
  CommandLine line("mxa relocate");
  line.Text("tree", "DIR", "index the regular files below DIR, an entry per 4 KiB (default /usr)", &options.tree);
  line.Text("trace", "FILE", "index the blocks of a trace instead, plain, .gz or .zst; - reads standard input",
            &options.trace);
  line.Choice("format", "what the trace is written in", {"cloudphysics", "arc", "msr"}, &format);
  line.Fraction("keep", "SHARE", "what stays after the drop, as in 10% (default) or 0.1", &options.keep);
  line.Number("readers", "N", "threads that read all the while (default 2)", 0, 1024, &options.readers);
  line.Number("writers", "N", "threads that store and erase meanwhile (default 0)", 0, 1024, &options.writers);
  line.Number("seed", "N", "what is dropped, read and written by chance (default 1)", 0, ~uint64_t{0}, &options.seed);
  line.Seconds("seconds", "S", "keep nodes moving for at least S seconds (default: until packed)", &options.seconds);
  line.Switch("order", "at the end, move all nodes to where a walk meets them", &options.order);
  line.Seconds("phase-seconds", "S", "read undisturbed before and after for S seconds (default: up to 1.5)",
               &options.phase_seconds);
  line.Number("max-entries", "N", "refuse inputs with more entries (default 50000000)", 1, uint64_t{1} << 31,
              &options.max_entries);
  line.Text("json", "FILE", "write the figures as JSON; - writes them to standard output instead of the table",
            &options.json);
  line.Text("html", "FILE", "write a page with the run over time and maps of the slabs, for any browser",
            &options.html);
  line.Text("socket", "PATH", "open a socket there during the run, for 'mxa slabinfo PATH'", &options.socket);
  line.Switch("quiet", "no table and no progress: errors only", &options.quiet);
  line.Switch("help", "this text", &options.help);
  return line;
}

}  // namespace

absl::StatusOr<RelocateOptions> ParseRelocateOptions(absl::Span<const absl::string_view> arguments) {
  RelocateOptions options;
  std::string format;
  if (absl::Status status = Describe(options, format).Parse(arguments); !status.ok()) return status;
  if (options.help) return options;

  if (!options.tree.empty() && !options.trace.empty()) {
    return absl::InvalidArgumentError("--tree and --trace exclude each other");
  }
  if (options.trace.empty() && !format.empty()) {
    return absl::InvalidArgumentError("--format belongs to --trace, which is missing");
  }
  if (!options.trace.empty()) {
    if (format.empty()) return absl::InvalidArgumentError("--trace needs --format=cloudphysics, arc or msr");
    options.format = *TraceFormatByName(format);
  } else if (options.tree.empty()) {
    options.tree = "/usr";
  }
  return options;
}

std::string RelocateHelp() {
  RelocateOptions options;
  std::string format;
  return absl::StrCat(
      "usage: mxa relocate [--tree=DIR | --trace=FILE --format=FORMAT] [options]\n"
      "\n"
      "Loads the index of a page cache, drops most of it, and moves what is left together while threads go on reading "
      "it.\n"
      "\n",
      Describe(options, format).Help(),
      "\n"
      "Exit status: 0 good; 1 a wrong read, a broken invariant, or memory that did not come back; 2 bad usage or "
      "input.\n");
}

}  // namespace mxa::tool
