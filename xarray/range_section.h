// SPDX-License-Identifier: Apache-2.0
//
// A read section that can be closed and opened again, as a range's iterator needs it.
//
// Threads: one thread's.
// Why not std::optional<ReadSection>: its reset is a call with its address, which would keep all of the iterator that it
// lies in in memory.
#ifndef MXA_XARRAY_RANGE_SECTION_H_
#define MXA_XARRAY_RANGE_SECTION_H_

#include <memory>

#include "absl/base/attributes.h"
#include "reclaim/rcu.h"

namespace mxa::xarray {

class RangeSection {
 public:
  RangeSection() {}
  ABSL_ATTRIBUTE_ALWAYS_INLINE ~RangeSection() { Close(); }
  RangeSection(const RangeSection&) = delete;
  RangeSection& operator=(const RangeSection&) = delete;

  bool is_open() const { return is_open_; }
  // Do nothing when it is open, or closed, already.
  ABSL_ATTRIBUTE_ALWAYS_INLINE void Open() {
    if (is_open_) return;
    std::construct_at(&section_);
    is_open_ = true;
  }
  ABSL_ATTRIBUTE_ALWAYS_INLINE void Close() {
    if (!is_open_) return;
    std::destroy_at(&section_);
    is_open_ = false;
  }

 private:
  union {
    reclaim::ReadSection section_;  // there while is_open_
  };
  bool is_open_ = false;
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_RANGE_SECTION_H_
