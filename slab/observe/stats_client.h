// SPDX-License-Identifier: Apache-2.0
//
// Asks a StatsServer, usually another process's.
//
// Threads: any; no state.
#ifndef MXA_SLAB_OBSERVE_STATS_CLIENT_H_
#define MXA_SLAB_OBSERVE_STATS_CLIENT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace mxa::slab::observe {

// The text that the server at `path` answers to `request`, which is one line without its end.
// Errors, which name the path: kInvalidArgument for the path or for what the server answered with an error,
// kDeadlineExceeded after ten seconds of waiting, else as the system says.
absl::StatusOr<std::string> AskStatsServer(const std::string& path, absl::string_view request);

}  // namespace mxa::slab::observe

#endif  // MXA_SLAB_OBSERVE_STATS_CLIENT_H_
