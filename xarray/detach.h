// SPDX-License-Identifier: Apache-2.0
//
// How a node leaves its tree: the one function that erase, shrink, destroy and the mover all end a node's life with.
#ifndef MXA_XARRAY_DETACH_H_
#define MXA_XARRAY_DETACH_H_

#include "xarray/node.h"

namespace mxa::xarray {

// Turns `node`, which no link leads to any more, into one that sends every reader still in it back to the head (N3).
//
// The order is the point. The caller has published what replaces the node, be it null, *before*: a reader that met
// retry earlier would come back by the old link and spin. All 64 slots say retry, null and interior ones too: a reader
// that stands in the node must not confirm by it what a writer has changed since. The owner comes last: a mover or a
// reader of marks that still sees the array looked before that.
//
// Context: the array lock is held. The caller then retires the node, also under the lock or, in a pass, with its batch.
void Detach(Node* node);

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_DETACH_H_
