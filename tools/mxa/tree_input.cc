// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/tree_input.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace mxa::tool {
namespace {

constexpr uint64_t kPage = 4096;

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

absl::Status Unreadable(absl::string_view path, int error) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", strerror(error)));
}

class Walk {
 public:
  explicit Walk(uint64_t max_entries) : max_entries_(max_entries) {}

  absl::Status From(const std::string& root) {
    if (const int error = Visit(root); error != 0) return Unreadable(root, error);
    while (!pending_.empty()) {
      const std::string path = std::move(pending_.back());
      pending_.pop_back();
      const int error = Visit(path);
      if (error != 0 && error != ENOENT) ++unreadable_;  // ENOENT: removed meanwhile
      if (!refused_.ok()) return refused_;
    }
    return refused_;
  }

  Workload Take() {
    if (unreadable_ != 0) {
      workload_.notice =
          absl::StrCat(unreadable_, unreadable_ == 1 ? " folder" : " folders", " could not be read and was left out");
    }
    return std::move(workload_);
  }

 private:
  // Takes in the files of one folder, and its folders for later. Returns an errno, or 0.
  int Visit(const std::string& path) {
    Folder folder(opendir(path.c_str()));
    if (folder == nullptr) return errno;
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* found = readdir(folder.get())) {
      const absl::string_view name = found->d_name;
      const bool may_count = found->d_type == DT_REG || found->d_type == DT_DIR || found->d_type == DT_UNKNOWN;
      if (may_count && name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return errno;
    std::sort(names.begin(), names.end());

    const absl::string_view separator = absl::EndsWith(path, "/") ? "" : "/";
    const auto first_pending = static_cast<ptrdiff_t>(pending_.size());
    for (const std::string& name : names) {
      struct stat status;
      if (fstatat(dirfd(folder.get()), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;  // removed meanwhile
      if (S_ISDIR(status.st_mode)) pending_.push_back(absl::StrCat(path, separator, name));
      if (S_ISREG(status.st_mode)) TakeFile(absl::StrCat(path, separator, name), status);
      if (!refused_.ok()) return 0;
    }
    std::reverse(pending_.begin() + first_pending, pending_.end());
    return 0;
  }

  void TakeFile(std::string path, const struct stat& status) {
    if (status.st_size <= 0) return;
    if (status.st_nlink > 1 && !seen_.emplace(status.st_dev, status.st_ino).second) return;
    const uint64_t pages = (static_cast<uint64_t>(status.st_size) + kPage - 1) / kPage;
    if (pages > max_entries_ - entries_) {
      refused_ = absl::InvalidArgumentError(
          absl::StrCat(path, ": brings more than ", max_entries_, " entries; see --max-entries"));
      return;
    }
    entries_ += pages;
    workload_.arrays.push_back({.name = std::move(path), .dense = pages, .blocks = {}, .last_touch = {}});
  }

  const uint64_t max_entries_;
  uint64_t entries_ = 0;
  uint64_t unreadable_ = 0;
  absl::Status refused_;
  Workload workload_;
  std::vector<std::string> pending_;                         // folders still to visit, the next one last
  absl::flat_hash_set<std::pair<uint64_t, uint64_t>> seen_;  // device and inode of files with several names
};

}  // namespace

absl::StatusOr<Workload> ReadTree(const std::string& folder, uint64_t max_entries) {
  Walk walk(max_entries);
  if (absl::Status status = walk.From(folder); !status.ok()) return status;
  Workload workload = walk.Take();
  if (workload.arrays.empty())
    return absl::InvalidArgumentError(absl::StrCat(folder, ": no regular file with content below it"));
  return workload;
}

}  // namespace mxa::tool
