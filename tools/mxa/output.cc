// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/output.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"

namespace mxa::tool {

void Complain(FILE* err, absl::string_view what) {
  std::string line(what);
  std::replace_if(line.begin(), line.end(), absl::ascii_iscntrl, '?');
  absl::FPrintF(err, "mxa: %s\n", line);
}

int Fail(FILE* err, absl::string_view line) {
  Complain(err, line);
  return kBadUsage;
}

bool Put(FILE* file, absl::string_view text) {
  return fwrite(text.data(), 1, text.size(), file) == text.size() && fflush(file) == 0;
}

}  // namespace mxa::tool
