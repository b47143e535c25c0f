// SPDX-License-Identifier: Apache-2.0
//
// Where the control groups of this process are mounted.
#include <unistd.h>

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "reclaim/kernel_file.h"
#include "reclaim/pressure_cgroup.h"

namespace mxa::reclaim {
namespace {

const char* MarkOf(CgroupVersion version) {
  return version == CgroupVersion::kV1 ? "memory.usage_in_bytes" : "memory.current";
}

// Adds `root``group` and all above it, `root` included, that have memory files.
void AddUpwards(CgroupVersion version, const std::string& root, absl::string_view group,
                std::vector<CgroupFolder>& found) {
  while (absl::EndsWith(group, "/")) group.remove_suffix(1);
  // A group outside the mount's own root is told as "/../..": it cannot be seen from here.
  if (absl::StrContains(group, "..")) group = "";
  for (;;) {
    std::string path = absl::StrCat(root, group);
    if (access(absl::StrCat(path, "/", MarkOf(version)).c_str(), R_OK) == 0) found.push_back({version, path});
    if (group.empty()) return;
    group = group.substr(0, group.rfind('/'));
  }
}

}  // namespace

std::vector<CgroupFolder> FindCgroups(const std::string& proc, const std::string& cgroup) {
  std::vector<CgroupFolder> found;
  const absl::StatusOr<std::string> text = ReadKernelFile(absl::StrCat(proc, "/self/cgroup"));
  if (!text.ok()) return found;
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    // "number:controllers:path"; version 2 has number 0 and no controllers.
    const std::vector<absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    if (parts[0] == "0" && parts[1].empty()) {
      AddUpwards(CgroupVersion::kV2, cgroup, parts[2], found);
      // Beside version 1.
      AddUpwards(CgroupVersion::kV2, absl::StrCat(cgroup, "/unified"), parts[2], found);
    } else if (absl::StrContains(absl::StrCat(",", parts[1], ","), ",memory,")) {
      AddUpwards(CgroupVersion::kV1, absl::StrCat(cgroup, "/memory"), parts[2], found);
    }
  }
  return found;
}

}  // namespace mxa::reclaim
