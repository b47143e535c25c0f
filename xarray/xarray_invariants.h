// SPDX-License-Identifier: Apache-2.0
//
// Checks a tree against its numbered invariants.
//
//   X1  a bit of a node's used word is set when and only when its slot is not null; some bit is, in a tree.
//   X2  a child's parent, offset and height agree with the slot that points to it; the top has no parent.
//   X3  the height is minimal: the top node holds more than slot 0, unless that is an entry of more indices than the node
//       below would have.
//   X4  a slot is marked when and only when its child has that mark somewhere, or its entry carries it; nothing null or
//       reserved is marked; the array's own marks say the same of the top.
//   X5  no retry entry can be reached.
//   X6  every node's owner is this array.
//   X7  every node's canary says that it is allocated.
//   X8  a bit of a node's full word is set when and only when its slot holds an entry, a reserved one too, or a node all
//       of whose bits are set.
//   X9  a sibling names a slot before it that holds an entry or a reservation, and the number of slots that this takes: a
//       power of two of them, fewer than 64, aligned. All its siblings have one word, and all its slots the same marks.
#ifndef MXA_XARRAY_XARRAY_INVARIANTS_H_
#define MXA_XARRAY_XARRAY_INVARIANTS_H_

#include "absl/status/status.h"
#include "xarray/array_core.h"

namespace mxa::xarray {

// OK, or the number of the first invariant that does not hold and where. Context: takes the array lock; reads every
// node.
absl::Status CheckInvariants(const ArrayCore& array);

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_XARRAY_INVARIANTS_H_
