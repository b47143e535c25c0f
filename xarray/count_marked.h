// SPDX-License-Identifier: Apache-2.0
//
// How many entries of a range carry a mark, by the bits of its words, a leaf at once.
#ifndef MXA_XARRAY_COUNT_MARKED_H_
#define MXA_XARRAY_COUNT_MARKED_H_

#include <cstdint>

#include "xarray/array_core.h"
#include "xarray/mark.h"

namespace mxa::xarray {

// The number of entries at first..last that carry `mark`.
//
// Not a snapshot: each leaf's number is of one moment of the call, and no index counts twice. So it is exact when
// nobody changes marks in the range meanwhile, nodes moving or not.
// Context: any thread; opens read sections of its own, a new one every kPauseInterval leaves, so that a large count
// holds up no grace period (unless the caller has a section open); takes no lock.
uint64_t CountMarked(const ArrayCore& array, Mark mark, uint64_t first, uint64_t last);

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_COUNT_MARKED_H_
