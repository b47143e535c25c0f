// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/mxa_command.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "reclaim/rcu.h"
#include "tools/mxa/output.h"
#include "tools/mxa/relocate_command.h"
#include "tools/mxa/slabinfo_command.h"
#include "tools/mxa/top_command.h"
#include "tools/mxa/torture_command.h"

namespace mxa::tool {
namespace {

constexpr absl::string_view kVersion = "0.1.0";

constexpr absl::string_view kUsage =
    "usage: mxa COMMAND [options]\n"
    "\n"
    "  relocate   load the index of a page cache, drop most of it, move the rest together under readers\n"
    "  slabinfo   show the slab caches of a running process or of a saved snapshot\n"
    "  top        watch what the slab caches of a running process hold, and what passes do\n"
    "  torture    use the library in every way at once, and check that nothing goes wrong\n"
    "  help       this text; 'mxa help COMMAND' says more\n"
    "  version    which one this is\n";

}  // namespace

int MxaCommand(absl::Span<const absl::string_view> arguments, FILE* out, FILE* err) {
  if (arguments.empty()) {
    absl::FPrintF(err, "mxa: no command; see 'mxa help'\n");
    return kBadUsage;
  }
  const absl::string_view command = arguments[0];
  if (command == "relocate") return RelocateCommand(arguments.subspan(1), out, err);
  if (command == "slabinfo") return SlabinfoCommand(arguments.subspan(1), out, err);
  if (command == "top") return TopCommand(arguments.subspan(1), out, err);
  if (command == "torture") return TortureCommand(arguments.subspan(1), out, err);
  if (command == "help" || command == "--help" || command == "-h") {
    if (arguments.size() > 1 && arguments[1] == "relocate") return RelocateCommand({"--help"}, out, err);
    if (arguments.size() > 1 && arguments[1] == "slabinfo") return SlabinfoCommand({"--help"}, out, err);
    if (arguments.size() > 1 && arguments[1] == "top") return TopCommand({"--help"}, out, err);
    if (arguments.size() > 1 && arguments[1] == "torture") return TortureCommand({"--help"}, out, err);
    absl::FPrintF(out, "%s", kUsage);
    return 0;
  }
  if (command == "version" || command == "--version") {
    absl::FPrintF(out, "mxa %s (RCU: %s)\n", kVersion, reclaim::FlavorName());
    return 0;
  }
  absl::FPrintF(err, "mxa: unknown command '%s'; see 'mxa help'\n", absl::CHexEscape(command));
  return kBadUsage;
}

}  // namespace mxa::tool
