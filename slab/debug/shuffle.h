// SPDX-License-Identifier: Apache-2.0
//
// Random order of objects, so that a program that counts on neighbours or on the order of reuse is found out.
//
// Threads: the caller guards `objects` and `seed`.
// No hardening: who knows some addresses can tell the next. For that the order would have to be secret.
#ifndef MXA_SLAB_DEBUG_SHUFFLE_H_
#define MXA_SLAB_DEBUG_SHUFFLE_H_

#include <algorithm>
#include <cstdint>
#include <random>

#include "absl/types/span.h"

namespace mxa::slab {

// Puts `objects` into a random order that follows from `*seed`, and moves the seed on. The same seed gives the same
// orders again, so that a run can be repeated.
inline void Shuffle(absl::Span<void*> objects, uint64_t* seed) {
  // Small and quick to seed; a better generator would not make a better test.
  std::minstd_rand random(static_cast<std::minstd_rand::result_type>(*seed ^ *seed >> 32));
  std::shuffle(objects.begin(), objects.end(), random);
  *seed = *seed * 0x5851f42d4c957f2d + random();
}

}  // namespace mxa::slab

#endif  // MXA_SLAB_DEBUG_SHUFFLE_H_
