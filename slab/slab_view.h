// SPDX-License-Identifier: Apache-2.0
//
// What a cache looks like from outside: its measures, and its slabs one by one.
//
// Threads: plain data, a copy of one moment.
#ifndef MXA_SLAB_SLAB_VIEW_H_
#define MXA_SLAB_SLAB_VIEW_H_

#include <cstddef>
#include <cstdint>

#include "slab/slab.h"

namespace mxa::slab {

// What does not change while a cache lives. Sizes in bytes.
struct CacheShape {
  size_t object_size = 0;
  size_t stride = 0;  // from one object to the next: the size, aligned
  size_t objects_per_slab = 0;
  size_t units_per_slab = 0;
  bool movable = false;
};

struct SlabView {
  uintptr_t address = 0;  // of its first object; to tell slabs apart, not to look there
  size_t region = 0;      // of its arena
  uint16_t live = 0;      // allocated objects: with the user, in sheaves, or retired
  uint16_t capacity = 0;
  uint8_t first_unit = 0;  // in its region
  uint8_t units = 0;
  SlabState state = SlabState::kUnused;  // kUnused: about to go back to the arena
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_SLAB_VIEW_H_
