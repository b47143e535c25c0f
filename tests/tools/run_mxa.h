// SPDX-License-Identifier: Apache-2.0
//
// Runs the program inside the test and catches what it says.
#ifndef MXA_TESTS_TOOLS_RUN_MXA_H_
#define MXA_TESTS_TOOLS_RUN_MXA_H_

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/check.h"
#include "tools/mxa/mxa_command.h"

namespace mxa::tool {

struct MxaRun {
  int exit_status = 0;
  std::string out;
  std::string err;
};

inline MxaRun RunMxa(const std::vector<std::string>& arguments) {
  char* texts[2] = {};
  size_t sizes[2] = {};
  FILE* files[2];
  for (int i = 0; i < 2; ++i) {
    files[i] = open_memstream(&texts[i], &sizes[i]);
    MXA_CHECK(files[i] != nullptr, "no memory stream");
  }
  MxaRun run;
  const std::vector<absl::string_view> views(arguments.begin(), arguments.end());
  run.exit_status = MxaCommand(views, files[0], files[1]);
  for (FILE* file : files) fclose(file);
  run.out.assign(texts[0], sizes[0]);
  run.err.assign(texts[1], sizes[1]);
  for (char* text : texts) free(text);
  return run;
}

}  // namespace mxa::tool

#endif  // MXA_TESTS_TOOLS_RUN_MXA_H_
