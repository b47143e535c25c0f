// SPDX-License-Identifier: Apache-2.0
//
// A folder for one test, gone with all in it when the test ends.
#ifndef MXA_TESTS_TOOLS_TEMP_FOLDER_H_
#define MXA_TESTS_TOOLS_TEMP_FOLDER_H_

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/string_view.h"
#include "base/check.h"
#include "gtest/gtest.h"

namespace mxa::tool {

class TempFolder {
 public:
  TempFolder() : path_(Parent() + "/mxaXXXXXX") { MXA_CHECK(mkdtemp(path_.data()) != nullptr, "no temporary folder"); }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string PathOf(absl::string_view name) const { return path_ + "/" + std::string(name); }

  // Makes folders on the way. Returns the path.
  std::string Write(absl::string_view name, absl::string_view content) const {
    const std::string path = PathOf(name);
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
    return path;
  }

  // A file of `size` bytes without content on disk.
  std::string WriteSparse(absl::string_view name, uint64_t size) const {
    const std::string path = Write(name, "");
    std::filesystem::resize_file(path, size);
    return path;
  }

  std::string Read(absl::string_view name) const {
    std::ifstream file(PathOf(name), std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
  }

 private:
  // Bazel's folder is too deep for the path of a socket, which has 107 bytes.
  static std::string Parent() {
    std::string folder = testing::TempDir();
    return folder.size() <= 64 ? folder : "/tmp";
  }

  std::string path_;
};

}  // namespace mxa::tool

#endif  // MXA_TESTS_TOOLS_TEMP_FOLDER_H_
