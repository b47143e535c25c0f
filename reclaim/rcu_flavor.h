// SPDX-License-Identifier: Apache-2.0
//
// Maps the RCU flavour chosen at build time (--define mxa_rcu=memb|qsbr|bp|mb) to one set of names.
//
// The only place that includes liburcu. The read side is inlined (_LGPL_SOURCE), but not under TSan, which cannot
// follow the inlined futex word. With memb the read side is built for kernels that have membarrier(2);
// rcu_flavor_check.cc refuses to run where liburcu found none, because a reader without that barrier would be unsafe.
#ifndef MXA_RECLAIM_RCU_FLAVOR_H_
#define MXA_RECLAIM_RCU_FLAVOR_H_

#include "base/tsan.h"

#if !MXA_TSAN
#define _LGPL_SOURCE 1
#endif

#if defined(MXA_RCU_QSBR)
#include <urcu/urcu-qsbr.h>
#define MXA_URCU(name) urcu_qsbr_##name
#define MXA_RCU_FLAVOR_NAME "qsbr"
#elif defined(MXA_RCU_BP)
#include <urcu/urcu-bp.h>
#define MXA_URCU(name) urcu_bp_##name
#define MXA_RCU_FLAVOR_NAME "bp"
#elif defined(MXA_RCU_MB)
#include <urcu/urcu-mb.h>
#define MXA_URCU(name) urcu_mb_##name
#define MXA_RCU_FLAVOR_NAME "mb"
#else
#define CONFIG_RCU_FORCE_SYS_MEMBARRIER 1
#include <urcu/urcu-memb.h>
#define MXA_URCU(name) urcu_memb_##name
#define MXA_RCU_FLAVOR_NAME "memb"
#endif

#endif  // MXA_RECLAIM_RCU_FLAVOR_H_
