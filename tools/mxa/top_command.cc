// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/top_command.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tools/mxa/command_line.h"
#include "tools/mxa/output.h"
#include "tools/mxa/slabinfo_source.h"
#include "tools/mxa/top_screen.h"

namespace mxa::tool {
namespace {

using slab::observe::Snapshot;

// Where there is no terminal to ask.
constexpr size_t kLines = 1000;

struct TopOptions {
  std::string source;
  double interval = 1;
  uint64_t rounds = 0;
  bool help = false;
};

CommandLine Describe(TopOptions& options) {
  CommandLine line("mxa top");
  line.Positional("SOCKET", "the socket of a running process", &options.source);
  line.Seconds("interval", "S", "between two looks (default 1)", &options.interval);
  line.Number("rounds", "N", "end after N looks (default: when the process ends)", 1, ~uint64_t{0}, &options.rounds);
  line.Switch("help", "this text", &options.help);
  return line;
}

std::string Help() {
  TopOptions options;
  return absl::StrCat(
      "usage: mxa top SOCKET [options]\n"
      "\n"
      "Shows what the slab caches of a process hold and how full their slabs are, and what passes move and give back.\n"
      "\n",
      Describe(options).Help(),
      "\n"
      "Exit status: 0 good, or the process has ended; 2 bad usage or socket.\n");
}

bool IsTerminal(FILE* file) { return fileno(file) >= 0 && isatty(fileno(file)) == 1; }

size_t LinesOf(FILE* file) {
  winsize size = {};
  if (!IsTerminal(file) || ioctl(fileno(file), TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return kLines;
  return size.ws_row - size_t{1};
}

}  // namespace

int TopCommand(absl::Span<const absl::string_view> arguments, FILE* out, FILE* err) {
  TopOptions options;
  if (absl::Status status = Describe(options).Parse(arguments); !status.ok()) return Fail(err, status.message());
  if (options.help) return Put(out, Help()) ? 0 : Fail(err, "standard output: cannot write");
  if (options.source.empty()) return Fail(err, "no SOCKET; see 'mxa top --help'");
  const std::string clear = IsTerminal(out) ? "\x1b[H\x1b[J" : "";
  std::optional<Snapshot> before;
  absl::Time before_at;
  for (uint64_t round = 0; options.rounds == 0 || round < options.rounds; ++round) {
    if (round != 0) absl::SleepFor(absl::Seconds(options.interval));
    absl::StatusOr<Snapshot> now = ReadSnapshot(options.source);
    const absl::Time now_at = absl::Now();
    if (!now.ok()) return round == 0 ? Fail(err, now.status().message()) : 0;
    const std::string screen = TopScreen(*now, before.has_value() ? &*before : nullptr,
                                         absl::ToDoubleSeconds(now_at - before_at), LinesOf(out));
    if (!Put(out, absl::StrCat(clear, screen))) return Fail(err, "standard output: cannot write");
    before = *std::move(now);
    before_at = now_at;
  }
  return 0;
}

}  // namespace mxa::tool
