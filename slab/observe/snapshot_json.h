// SPDX-License-Identifier: Apache-2.0
//
// A snapshot as JSON, on one line, and back.
//
// Keys are stable: programs read them. A reader of another version ignores keys it does not know, and takes path
// counters it misses as 0.
// Threads: any; no state.
#ifndef MXA_SLAB_OBSERVE_SNAPSHOT_JSON_H_
#define MXA_SLAB_OBSERVE_SNAPSHOT_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "slab/observe/snapshot.h"

namespace mxa::slab::observe {

std::string JsonText(const Snapshot& snapshot);

// Errors: kInvalidArgument, in one line: no JSON, no snapshot, or which value is missing or impossible.
absl::StatusOr<Snapshot> ParseJsonText(absl::string_view text);

}  // namespace mxa::slab::observe

#endif  // MXA_SLAB_OBSERVE_SNAPSHOT_JSON_H_
