// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/slabinfo_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/unique_fd.h"
#include "slab/observe/snapshot_json.h"
#include "slab/observe/stats_client.h"

namespace mxa::tool {
namespace {

constexpr size_t kLargestDump = size_t{256} << 20;

absl::StatusOr<std::string> ReadAll(int fd) {
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count == 0) return text;
    if (count > 0) text.append(buffer.data(), static_cast<size_t>(count));
    if (count < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "cannot read");
    if (text.size() > kLargestDump) return absl::InvalidArgumentError("too large to be a dump");
  }
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  if (path == "-") return ReadAll(STDIN_FILENO);
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return absl::ErrnoToStatus(errno, "cannot open");
  return ReadAll(file.get());
}

absl::Status Named(const std::string& source, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(source, ": ", status.message()));
}

}  // namespace

absl::StatusOr<slab::observe::Snapshot> ReadSnapshot(const std::string& source) {
  struct stat file;
  absl::StatusOr<std::string> text;
  if (source != "-" && stat(source.c_str(), &file) == 0 && S_ISSOCK(file.st_mode)) {
    // Always JSON, put into words here: what the other process says is data, never what a terminal is sent.
    text = slab::observe::AskStatsServer(source, "json");
    if (!text.ok()) return text.status();
  } else {
    text = ReadFile(source);
    if (!text.ok()) return Named(source, text.status());
  }
  absl::StatusOr<slab::observe::Snapshot> snapshot = slab::observe::ParseJsonText(*text);
  if (!snapshot.ok()) return Named(source, snapshot.status());
  return snapshot;
}

}  // namespace mxa::tool
