// SPDX-License-Identifier: Apache-2.0
//
// Asks liburcu what it found at start. Apart from rcu_flavor.h because that header defines away the very variable to
// ask.
#include "reclaim/rcu_flavor_check.h"

#if !defined(MXA_RCU_QSBR) && !defined(MXA_RCU_BP) && !defined(MXA_RCU_MB)
#include <urcu/urcu-memb.h>

#include "base/check.h"

// Exported by liburcu, declared in its header only for inlined users.
extern "C" int urcu_memb_has_sys_membarrier;

namespace mxa::reclaim::internal {

void CheckFlavorUsable() {
  MXA_CHECK(urcu_memb_has_sys_membarrier != 0,
            "this kernel has no membarrier(2) private expedited command; build with --define mxa_rcu=mb");
}

}  // namespace mxa::reclaim::internal
#else
namespace mxa::reclaim::internal {

void CheckFlavorUsable() {}

}  // namespace mxa::reclaim::internal
#endif
