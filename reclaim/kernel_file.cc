// SPDX-License-Identifier: Apache-2.0
#include "reclaim/kernel_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/unique_fd.h"

namespace mxa::reclaim {
namespace {

constexpr size_t kMostBytes = size_t{64} << 10;
// cgroup v1 says "none" with the greatest number of pages, in bytes.
constexpr uint64_t kHuge = uint64_t{1} << 60;

}  // namespace

absl::StatusOr<std::string> ReadKernelFile(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return absl::ErrnoToStatus(errno, path);
  std::string text;
  char buffer[4096];
  while (text.size() < kMostBytes) {
    const ssize_t bytes = read(fd.get(), buffer, sizeof(buffer));
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return absl::ErrnoToStatus(errno, path);
    if (bytes == 0) break;
    text.append(buffer, static_cast<size_t>(bytes));
  }
  return text;
}

absl::StatusOr<uint64_t> ReadKernelNumber(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadKernelFile(path);
  if (!text.ok()) return text.status();
  const absl::string_view word = absl::StripAsciiWhitespace(*text);
  if (word == "max" || word == "-1") return kNoLimit;
  uint64_t number = 0;
  if (!absl::SimpleAtoi(word, &number)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is no number: \"", word.substr(0, 40), "\""));
  }
  return number >= kHuge ? kNoLimit : number;
}

absl::StatusOr<uint64_t> FindKernelNumber(absl::string_view text, absl::string_view key) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, absl::ByAnyChar(" \t:"), absl::SkipEmpty());
    if (words.size() < 2 || words[0] != key) continue;
    uint64_t number = 0;
    if (!absl::SimpleAtoi(words[1], &number)) {
      return absl::InvalidArgumentError(absl::StrCat(key, " is no number: \"", words[1].substr(0, 40), "\""));
    }
    return words.size() > 2 && words[2] == "kB" ? number * 1024 : number;
  }
  return absl::NotFoundError(absl::StrCat("no ", key));
}

}  // namespace mxa::reclaim
