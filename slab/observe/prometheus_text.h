// SPDX-License-Identifier: Apache-2.0
//
// A snapshot in Prometheus's text exposition format, version 0.0.4.
//
// Caches of one name get names of their own (UniqueNames): two series with the same labels would be refused.
// Threads: any; no state.
#ifndef MXA_SLAB_OBSERVE_PROMETHEUS_TEXT_H_
#define MXA_SLAB_OBSERVE_PROMETHEUS_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "slab/observe/snapshot.h"

namespace mxa::slab::observe {

std::string PrometheusText(const Snapshot& snapshot);

// `value` as it stands between the quotes of a label: backslash, quote and line end escaped.
std::string EscapedLabel(absl::string_view value);

}  // namespace mxa::slab::observe

#endif  // MXA_SLAB_OBSERVE_PROMETHEUS_TEXT_H_
