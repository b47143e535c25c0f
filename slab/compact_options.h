// SPDX-License-Identifier: Apache-2.0
//
// What one pass over a cache may do.
#ifndef MXA_SLAB_COMPACT_OPTIONS_H_
#define MXA_SLAB_COMPACT_OPTIONS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mxa::slab {

struct CompactOptions {
  enum class Mode {
    kPack,            // empty slabs as long as that frees more than it uses
    kMoveEverything,  // evacuate every slab once, whatever it gains: for tests and to keep readers honest
  };
  Mode mode = Mode::kPack;

  // Objects moved for one grace period.
  size_t batch_objects = 4000;

  // Longest stretch of work before others get a chance to run; one object may exceed it.
  uint64_t slice_ns = 1'000'000;

  // When set and true, the pass ends after the object it is at; what was moved stays moved.
  const std::atomic<bool>* cancel = nullptr;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_COMPACT_OPTIONS_H_
