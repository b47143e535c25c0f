// SPDX-License-Identifier: Apache-2.0
//
// The program `mxa`.
#include <cstdio>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/mxa/mxa_command.h"

int main(int argc, char** argv) {
  const std::vector<absl::string_view> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  return mxa::tool::MxaCommand(arguments, stdout, stderr);
}
