// SPDX-License-Identifier: Apache-2.0
//
// Which IDs an allocation may hand out, and where one that goes round goes on.
#ifndef MXA_XARRAY_ID_LIMIT_H_
#define MXA_XARRAY_ID_LIMIT_H_

#include <cstdint>

namespace mxa::xarray {

// From `min` to `max`, both included. None at all if min > max.
struct IdLimit {
  uint64_t min = 0;
  uint64_t max = ~uint64_t{0};
};

// Where AllocateCyclic looks first. Allocators that are to take turns share one; the array lock guards it while they
// run.
struct CyclicState {
  uint64_t next = 0;
  // The last ID was 2^64-1, so that the next would be 2^64: a word of 64 bits alone could not tell this from the
  // beginning.
  bool past_end = false;
};

struct CyclicId {
  uint64_t id;
  // Nothing was free from `next` on, and the search began anew at the limit's beginning. Not an error.
  bool wrapped;
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_ID_LIMIT_H_
