// SPDX-License-Identifier: Apache-2.0
//
// What tests may ask of a cache that users may not.
#ifndef MXA_TESTS_SUPPORT_CACHE_PEER_H_
#define MXA_TESTS_SUPPORT_CACHE_PEER_H_

#include "reclaim/movable.h"
#include "slab/cache.h"
#include "slab/cache_core.h"

namespace mxa::slab {

class CachePeer {
 public:
  // Null: not a movable cache.
  static reclaim::Movable* MovableOf(Cache& cache) { return cache.core_->options().movable; }
};

}  // namespace mxa::slab

#endif  // MXA_TESTS_SUPPORT_CACHE_PEER_H_
