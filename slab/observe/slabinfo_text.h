// SPDX-License-Identifier: Apache-2.0
//
// A snapshot as the text of /proc/slabinfo, version 2.1, for the programs that read that.
//
// Two columns are more honest than the kernel's: active_objs leaves out what lies cached in sheaves, so that the share
// in use is not overstated, and active_slabs leaves out empty slabs. Tunables and sharedavail are 0.
// Threads: any; no state.
#ifndef MXA_SLAB_OBSERVE_SLABINFO_TEXT_H_
#define MXA_SLAB_OBSERVE_SLABINFO_TEXT_H_

#include <string>

#include "slab/observe/snapshot.h"

namespace mxa::slab::observe {

std::string SlabinfoText(const Snapshot& snapshot);

}  // namespace mxa::slab::observe

#endif  // MXA_SLAB_OBSERVE_SLABINFO_TEXT_H_
