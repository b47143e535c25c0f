// SPDX-License-Identifier: Apache-2.0
//
// The names of caches, which may be any bytes, as each format can take them.
//
// Threads: any; no state.
#ifndef MXA_SLAB_OBSERVE_NAMES_H_
#define MXA_SLAB_OBSERVE_NAMES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "slab/observe/snapshot.h"

namespace mxa::slab::observe {

// `name` as UTF-8: what is not becomes U+FFFD.
std::string Utf8Name(absl::string_view name);

// `name` as one column of a table: blanks and control characters become '_', and an empty name too.
std::string ColumnName(absl::string_view name);

// The caches' names made different from each other: a second "node" becomes "node#2".
std::vector<std::string> UniqueNames(const Snapshot& snapshot);

}  // namespace mxa::slab::observe

#endif  // MXA_SLAB_OBSERVE_NAMES_H_
