// SPDX-License-Identifier: Apache-2.0
//
// Which slabs a pass empties on a machine of several nodes, and which node their objects go to.
//
// Invariants:
//   Nm1  packing and moving everything leave each object on its node.
//   Nm2  moves to one node stand together, so that a batch has one destination.
// Threads: pure functions.
// Why not decide per object: a pass reserves its destinations before it knows what will move, and gives pages back by the
// slab.
#ifndef MXA_SLAB_NODE_MOVES_H_
#define MXA_SLAB_NODE_MOVES_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "slab/compact_options.h"
#include "slab/slab_store.h"

namespace mxa::slab {

struct PlannedMove {
  Slab* slab;
  int to;  // the node of its destinations
};

// OK, or kInvalidArgument naming the node that is not there. A machine of one node is as any other: it is balanced, and
// all is on node 0.
absl::Status CheckNodes(const CompactOptions& options, size_t nodes);

// Chooses from `listed`, whose order does not matter, for a pass with these options. Of each node ChooseVictims
// (victims.h) when packing or moving everything.
//
// kMoveToNode: every slab of the node to leave that holds an object, the sparsest regions first.
// kBalance: as long as the fullest node has at least a slab's worth of objects more than the emptiest, its emptiest slab
// goes there, if that brings the two nearer. What is left is a difference of less than a slab's objects; of exactly these
// when only full slabs are left to move.
// REQUIRES: CheckNodes(options, nodes) is OK.
std::vector<PlannedMove> PlanMoves(const std::vector<SlabStore::Choice>& listed, size_t capacity,
                                   const CompactOptions& options, size_t nodes);

}  // namespace mxa::slab

#endif  // MXA_SLAB_NODE_MOVES_H_
