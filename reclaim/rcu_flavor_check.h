// SPDX-License-Identifier: Apache-2.0
//
// Whether this machine can run the RCU flavour that was built.
#ifndef MXA_RECLAIM_RCU_FLAVOR_CHECK_H_
#define MXA_RECLAIM_RCU_FLAVOR_CHECK_H_

namespace mxa::reclaim::internal {

// Ends the process with one clear line when it cannot.
void CheckFlavorUsable();

}  // namespace mxa::reclaim::internal

#endif  // MXA_RECLAIM_RCU_FLAVOR_CHECK_H_
