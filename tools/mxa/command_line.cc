// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/command_line.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace mxa::tool {
namespace {

absl::Status Refuse(absl::string_view name, absl::string_view text, absl::string_view wanted) {
  return absl::InvalidArgumentError(absl::StrCat("--", name, ": '", absl::CHexEscape(text), "' is not ", wanted));
}

// A finite decimal number; absl::SimpleAtod would take "nan", "inf" and hexadecimal too.
bool ParseDecimal(absl::string_view text, double* value) {
  const bool plain = !text.empty() && text.find_first_not_of("0123456789.eE+-") == absl::string_view::npos;
  return plain && absl::SimpleAtod(text, value) && std::isfinite(*value);
}

bool ParseUnsigned(absl::string_view text, uint64_t* value) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit) && absl::SimpleAtoi(text, value);
}

}  // namespace

void CommandLine::Switch(absl::string_view name, absl::string_view help, bool* value) {
  options_.push_back({std::string(name), "", std::string(help), [value](absl::string_view) {
                        *value = true;
                        return absl::OkStatus();
                      }});
}

void CommandLine::Text(absl::string_view name, absl::string_view placeholder, absl::string_view help,
                       std::string* value) {
  options_.push_back({std::string(name), std::string(placeholder), std::string(help),
                      [value, name = std::string(name)](absl::string_view text) -> absl::Status {
                        if (text.empty()) return absl::InvalidArgumentError(absl::StrCat("--", name, " needs a value"));
                        *value = std::string(text);
                        return absl::OkStatus();
                      }});
}

void CommandLine::Number(absl::string_view name, absl::string_view placeholder, absl::string_view help, uint64_t least,
                         uint64_t most, uint64_t* value) {
  options_.push_back({std::string(name), std::string(placeholder), std::string(help),
                      [=, name = std::string(name)](absl::string_view text) -> absl::Status {
                        uint64_t number = 0;
                        if (!ParseUnsigned(text, &number) || number < least || number > most) {
                          return Refuse(name, text, absl::StrCat("a whole number from ", least, " to ", most));
                        }
                        *value = number;
                        return absl::OkStatus();
                      }});
}

void CommandLine::Seconds(absl::string_view name, absl::string_view placeholder, absl::string_view help,
                          double* value) {
  options_.push_back({std::string(name), std::string(placeholder), std::string(help),
                      [value, name = std::string(name)](absl::string_view text) -> absl::Status {
                        double seconds = 0;
                        if (!ParseDecimal(text, &seconds) || seconds < 0 || seconds > 1e6) {
                          return Refuse(name, text, "a number of seconds from 0 to 1000000");
                        }
                        *value = seconds;
                        return absl::OkStatus();
                      }});
}

void CommandLine::Fraction(absl::string_view name, absl::string_view placeholder, absl::string_view help,
                           double* value) {
  options_.push_back({std::string(name), std::string(placeholder), std::string(help),
                      [value, name = std::string(name)](absl::string_view text) -> absl::Status {
                        double number = 0;
                        absl::string_view digits = text;
                        const bool percent = absl::ConsumeSuffix(&digits, "%");
                        const bool parsed = ParseDecimal(digits, &number);
                        if (percent) number /= 100;
                        if (!parsed || number <= 0 || number > 1) {
                          return Refuse(name, text, "a share above 0 and at most 100%, as in 10% or 0.1");
                        }
                        *value = number;
                        return absl::OkStatus();
                      }});
}

void CommandLine::Choice(absl::string_view name, absl::string_view help, std::vector<std::string> choices,
                         std::string* value) {
  std::string placeholder = absl::StrJoin(choices, "|");
  options_.push_back(
      {std::string(name), std::move(placeholder), std::string(help),
       [value, name = std::string(name), choices = std::move(choices)](absl::string_view text) -> absl::Status {
         if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
           return Refuse(name, text, absl::StrCat("one of ", absl::StrJoin(choices, ", ")));
         }
         *value = std::string(text);
         return absl::OkStatus();
       }});
}

void CommandLine::Positional(absl::string_view placeholder, absl::string_view help, std::string* value) {
  positional_ = std::string(placeholder);
  positional_help_ = std::string(help);
  positional_value_ = value;
}

const CommandLine::Option* CommandLine::Find(absl::string_view name) const {
  const auto found = std::find_if(options_.begin(), options_.end(), [&](const Option& o) { return o.name == name; });
  return found == options_.end() ? nullptr : &*found;
}

absl::Status CommandLine::Parse(absl::Span<const absl::string_view> arguments) const {
  bool positional_given = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    absl::string_view argument = arguments[i];
    const std::string shown = absl::CHexEscape(argument);
    if (!absl::ConsumePrefix(&argument, "--")) {
      if (!positional_given && positional_value_ != nullptr && !argument.empty()) {
        *positional_value_ = std::string(argument);
        positional_given = true;
        continue;
      }
      return absl::InvalidArgumentError(absl::StrCat("unexpected argument '", shown, "'; see '", command_, " --help'"));
    }
    const size_t equals = argument.find('=');
    const absl::string_view name = argument.substr(0, equals);
    const Option* option = Find(name);
    if (option == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown option '--", absl::CHexEscape(name), "'; see '", command_, " --help'"));
    }
    absl::string_view value;
    if (option->placeholder.empty()) {
      if (equals != absl::string_view::npos) {
        return absl::InvalidArgumentError(absl::StrCat("--", name, " takes no value"));
      }
    } else if (equals != absl::string_view::npos) {
      value = argument.substr(equals + 1);
    } else if (i + 1 < arguments.size()) {
      value = arguments[++i];
    } else {
      return absl::InvalidArgumentError(absl::StrCat("--", name, " needs a value"));
    }
    if (absl::Status status = option->set(value); !status.ok()) return status;
  }
  return absl::OkStatus();
}

std::string CommandLine::Help() const {
  std::string text;
  if (!positional_.empty()) absl::StrAppendFormat(&text, "  %-34s %s\n", positional_, positional_help_);
  for (const Option& option : options_) {
    const std::string left = option.placeholder.empty() ? absl::StrCat("--", option.name)
                                                        : absl::StrCat("--", option.name, "=", option.placeholder);
    absl::StrAppendFormat(&text, "  %-34s %s\n", left, option.help);
  }
  return text;
}

}  // namespace mxa::tool
