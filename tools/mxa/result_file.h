// SPDX-License-Identifier: Apache-2.0
//
// A file for the result of a run, which is opened before it.
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_RESULT_FILE_H_
#define MXA_TOOLS_MXA_RESULT_FILE_H_

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tools/mxa/output.h"

namespace mxa::tool {

// Not emptied before there is something to put into it: a run of minutes must not
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

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_RESULT_FILE_H_
