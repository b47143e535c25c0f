// SPDX-License-Identifier: Apache-2.0
//
// What exporters call the ways a move can end.
#ifndef MXA_SLAB_OBSERVE_RESULT_NAMES_H_
#define MXA_SLAB_OBSERVE_RESULT_NAMES_H_

#include <array>

#include "reclaim/movable.h"

namespace mxa::slab::observe {

// In the order of reclaim::MoveResult.
inline constexpr std::array<const char*, reclaim::kMoveResults> kResultNames = {"moved", "busy", "pinned", "gone"};

}  // namespace mxa::slab::observe

#endif  // MXA_SLAB_OBSERVE_RESULT_NAMES_H_
