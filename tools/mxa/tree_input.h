// SPDX-License-Identifier: Apache-2.0
//
// Walks a folder: an array per regular file, an entry per 4 KiB of it, as a page cache indexes files.
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_TREE_INPUT_H_
#define MXA_TOOLS_MXA_TREE_INPUT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "tools/mxa/workload.h"

namespace mxa::tool {

// Follows no symbolic links below `folder`, takes a file with several names once, and files in an order that depends on
// names only. Folders below that cannot be read are left out and counted in the notice.
// Errors: kInvalidArgument in one line: `folder` cannot be read, holds nothing, or more than `max_entries` entries.
absl::StatusOr<Workload> ReadTree(const std::string& folder, uint64_t max_entries);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_TREE_INPUT_H_
