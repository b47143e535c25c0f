// SPDX-License-Identifier: Apache-2.0
//
// Keeps the full words of a path in step with its lowest node: a node all of whose slots are full fills its parent's
// slot.
//
// Threads: the array lock is held.
// Why not one of the three marks, as Linux does: marks are the user's, and an array that pays a bit of every node for
// its free slots needs no kind of its own to allocate IDs.
#ifndef MXA_XARRAY_FULL_WORDS_H_
#define MXA_XARRAY_FULL_WORDS_H_

#include "base/planted_bug.h"
#include "xarray/node.h"

namespace mxa::xarray {

// An entry has come to the slots `bits` of `node`, which were not full.
inline void FillSlotsLocked(Node* node, uint64_t bits) {
  while (node->SetFullLocked(bits)) {
    bits = uint64_t{1} << node->offset();
    node = node->ParentLocked();
    if (node == nullptr) return;
  }
}

// The slots `bits` of `node` have become null, and held an entry.
inline void FreeSlotsLocked(Node* node, uint64_t bits) {
  while (node->ClearFullLocked(bits) && !PlantedBugIs(PlantedBug::kFreedIndexNotFound)) {
    bits = uint64_t{1} << node->offset();
    node = node->ParentLocked();
    if (node == nullptr) return;
  }
}

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_FULL_WORDS_H_
