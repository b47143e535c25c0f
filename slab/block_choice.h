// SPDX-License-Identifier: Apache-2.0
//
// Which block of an arena to evacuate: the cheapest that can be emptied.
//
// Invariants:
//   Bc1  no candidate holds a pinned unit or a unit of an isolated block.
//   Bc2  what lives in a candidate's movable slabs has room elsewhere, as far as the survey tells.
//   Bc3  candidates stand in the order of the bytes that live there; among equals the highest comes first, because
//        arenas hand out the lowest.
// Threads: a pure function.
// Why not the block with the fewest units in use: what has to be moved is what lives there, and a slab may hold one
// object or a hundred.
#ifndef MXA_SLAB_BLOCK_CHOICE_H_
#define MXA_SLAB_BLOCK_CHOICE_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "slab/arena_survey.h"
#include "slab/unit_block.h"

namespace mxa::slab {

struct BlockChoice {
  // More are never tried before the next survey.
  static constexpr size_t kAtMost = 64;

  std::vector<UnitBlock> candidates;
  // Why there are not more, or none:
  bool others_isolate = false;           // blocks that hold units of an isolated one were left out
  size_t missing_bytes = 0;              // of blocks without room elsewhere, the least that is missing; 0: none such
  std::optional<size_t> nearest_pinned;  // with no movable block: a pinned unit of the block that has the fewest
};

// Among the blocks of `units` units that begin at a multiple of that after `first_aligned`.
BlockChoice ChooseBlocks(const ArenaSurvey& survey, size_t units, size_t first_aligned);

}  // namespace mxa::slab

#endif  // MXA_SLAB_BLOCK_CHOICE_H_
