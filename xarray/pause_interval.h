// SPDX-License-Identifier: Apache-2.0
//
// After how many steps a walk that opens its own read section ends it and opens another.
#ifndef MXA_XARRAY_PAUSE_INTERVAL_H_
#define MXA_XARRAY_PAUSE_INTERVAL_H_

namespace mxa::xarray {

// Some tens of microseconds' worth: short for a grace period, long against the walk from the head that follows.
inline constexpr unsigned kPauseInterval = 4096;

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_PAUSE_INTERVAL_H_
