// SPDX-License-Identifier: Apache-2.0
//
// The options of one subcommand: `--name=value`, `--name value` and `--name` for switches, each with one clear error
// line; and the one argument that is none, if the subcommand has one.
//
//   CommandLine line("mxa relocate");
//   line.Number("readers", "N", "threads that read", 0, 1024, &options.readers);
//   if (absl::Status status = line.Parse(arguments); !status.ok()) ...
//
// Threads: one.
// Why not absl/flags: its flags are global to the process, and it ends the process itself on an unknown one.
#ifndef MXA_TOOLS_MXA_COMMAND_LINE_H_
#define MXA_TOOLS_MXA_COMMAND_LINE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace mxa::tool {

class CommandLine {
 public:
  // `command` is how the user calls it, for hints in errors.
  explicit CommandLine(std::string command) : command_(std::move(command)) {}

  // Each takes the option's name without dashes and where its value goes; what is not given stays as it is.
  void Switch(absl::string_view name, absl::string_view help, bool* value);
  void Text(absl::string_view name, absl::string_view placeholder, absl::string_view help, std::string* value);
  void Number(absl::string_view name, absl::string_view placeholder, absl::string_view help, uint64_t least,
              uint64_t most, uint64_t* value);
  void Seconds(absl::string_view name, absl::string_view placeholder, absl::string_view help, double* value);
  // `10%` or `0.1`: above 0 and at most 1.
  void Fraction(absl::string_view name, absl::string_view placeholder, absl::string_view help, double* value);
  // One of `choices`.
  void Choice(absl::string_view name, absl::string_view help, std::vector<std::string> choices, std::string* value);

  // The one argument that is no option, wherever it stands among them.
  void Positional(absl::string_view placeholder, absl::string_view help, std::string* value);

  // Sets what `arguments` say; the last of several values for an option counts.
  // Errors: kInvalidArgument, one line that names the argument.
  absl::Status Parse(absl::Span<const absl::string_view> arguments) const;

  // One line an option, aligned.
  std::string Help() const;

 private:
  struct Option {
    std::string name;
    std::string placeholder;  // empty: a switch
    std::string help;
    std::function<absl::Status(absl::string_view)> set;
  };

  const Option* Find(absl::string_view name) const;

  std::string command_;
  std::vector<Option> options_;
  std::string positional_;  // its placeholder; empty: there is none
  std::string positional_help_;
  std::string* positional_value_ = nullptr;
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_COMMAND_LINE_H_
