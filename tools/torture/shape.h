// SPDX-License-Identifier: Apache-2.0
//
// Which indices are used: few, so that readers, writers and movers meet in the same nodes, or many.
//
// Threads: pure.
#ifndef MXA_TOOLS_TORTURE_SHAPE_H_
#define MXA_TOOLS_TORTURE_SHAPE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/mxa/keep.h"

namespace mxa::torture {

// tiny   two arrays of two dozen entries at the borders of nodes
// small  four arrays of some hundred entries, a few to a leaf
// wide   four arrays of some thousand
// deep   two arrays of entries next to the powers of two, up to 2^64-1: trees of full height
// mixed  one of each kind, the wide one smaller
std::vector<std::string> ShapeNames();

// The indices of each array, ascending. REQUIRES: `shape` is one of ShapeNames().    (CHECKed)
tool::Kept IndicesOf(absl::string_view shape);

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_SHAPE_H_
