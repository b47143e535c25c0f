// SPDX-License-Identifier: Apache-2.0
//
// The three marks an entry can carry; each is aggregated upward, so that marked entries are found without looking at
// the others.
#ifndef MXA_XARRAY_MARK_H_
#define MXA_XARRAY_MARK_H_

#include <cstdint>

namespace mxa::xarray {

enum class Mark : uint8_t { k0, k1, k2 };
inline constexpr unsigned kMarks = 3;
inline constexpr Mark kAllMarks[kMarks] = {Mark::k0, Mark::k1, Mark::k2};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_MARK_H_
