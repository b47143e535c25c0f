// SPDX-License-Identifier: Apache-2.0
//
// One screen of `mxa top`: what the caches of a process hold, and what they did since the screen before.
//
// Threads: pure.
#ifndef MXA_TOOLS_MXA_TOP_SCREEN_H_
#define MXA_TOOLS_MXA_TOP_SCREEN_H_

#include <string>

#include "slab/observe/snapshot.h"

namespace mxa::tool {

// At most `lines` lines, each ended; caches that hold most come first, and those that do not fit are counted. Rates are over
// `seconds` since `before`; null, as on the first screen: they are left out. A cache is the same one as before when it is
// the only one of its name.
std::string TopScreen(const slab::observe::Snapshot& now, const slab::observe::Snapshot* before, double seconds,
                      size_t lines);

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_TOP_SCREEN_H_
