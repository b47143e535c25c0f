// SPDX-License-Identifier: Apache-2.0
//
// A snapshot of caches from where the user says: a running process's socket, or a file with what it once answered.
//
// Threads: one.
#ifndef MXA_TOOLS_MXA_SLABINFO_SOURCE_H_
#define MXA_TOOLS_MXA_SLABINFO_SOURCE_H_

#include <string>

#include "absl/status/statusor.h"
#include "slab/observe/snapshot.h"

namespace mxa::tool {

// `source` is the path of a socket or of a file of JSON ("-": standard input).
// Errors, in one line that names `source`: it is not there, cannot be read, nobody answers, or it is no snapshot.
absl::StatusOr<slab::observe::Snapshot> ReadSnapshot(const std::string& source);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_SLABINFO_SOURCE_H_
