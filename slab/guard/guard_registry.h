// SPDX-License-Identifier: Apache-2.0
//
// Which guard pools there are and where, readable from a signal handler.
//
// Invariants:
//   Q1  an address is looked for in the list alone: a pool is touched only for an address of its own, so that a fault
//       elsewhere may be handled while a pool is being destroyed.
// Threads: any, at once.
#ifndef MXA_SLAB_GUARD_GUARD_REGISTRY_H_
#define MXA_SLAB_GUARD_GUARD_REGISTRY_H_

#include <cstddef>

namespace mxa::slab {

class GuardPool;

// Pools beyond these work, but a fault in them goes unexplained.
inline constexpr size_t kMaxRegisteredGuardPools = 64;

void RegisterGuardPool(const GuardPool* pool, const void* start, size_t bytes);
void UnregisterGuardPool(const GuardPool* pool);

// The pool whose range holds `address`, or null.
//
// Context: any; async-signal-safe. The pool stays while an object of it is live.
const GuardPool* FindGuardPool(const void* address);

}  // namespace mxa::slab

#endif  // MXA_SLAB_GUARD_GUARD_REGISTRY_H_
