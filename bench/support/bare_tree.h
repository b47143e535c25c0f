// SPDX-License-Identifier: Apache-2.0
//
// The least that a walk down an array's own nodes can do: as many dependent loads as there are levels, and no check of
// anything.
//
// The tag of a node pointer is taken off by the offset of an address, which costs no instruction; so nothing is left to
// save but the checks that the array's own walk makes (retry, null, entries above the leaves, the height, the index
// beyond the tree).
// REQUIRES: every index up to the largest is present, and nobody writes or moves meanwhile: it would read what is gone.
#ifndef MXA_BENCH_SUPPORT_BARE_TREE_H_
#define MXA_BENCH_SUPPORT_BARE_TREE_H_

#include <cstdint>

#include "absl/base/attributes.h"
#include "base/check.h"
#include "xarray/array_core.h"
#include "xarray/entry.h"
#include "xarray/node.h"

namespace mxa::bench {

// The height of a tree of 16 M entries, and of 1 M.
inline constexpr unsigned kBareHeight = 4;

class BareTree {
 public:
  explicit BareTree(const xarray::ArrayCore& array) : head_(array.anchor().head()) {
    MXA_CHECK(xarray::HeightBits(head_) == kBareHeight, "the bare walk is made for trees of one height");
  }

  ABSL_ATTRIBUTE_ALWAYS_INLINE xarray::Entry Load(uint64_t index) const { return Chase<kBareHeight>(head_, index); }

 private:
  template <unsigned kHeight>
  ABSL_ATTRIBUTE_ALWAYS_INLINE static xarray::Entry Chase(xarray::Entry node, uint64_t index) {
    const uintptr_t slots = node - xarray::NodeTag(kHeight) + xarray::Node::kSlotsAt;
    const xarray::Entry entry = xarray::Node::SlotAt(slots, xarray::OffsetAt(index, kHeight));
    if constexpr (kHeight == 1) {
      return entry;
    } else {
      return Chase<kHeight - 1>(entry, index);
    }
  }

  const xarray::Entry head_;
};

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_BARE_TREE_H_
