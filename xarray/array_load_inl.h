// SPDX-License-Identifier: Apache-2.0
//
// The body of ArrayCore::LoadInSection, which callers inline: the end of array_core.h.
#ifndef MXA_XARRAY_ARRAY_LOAD_INL_H_
#define MXA_XARRAY_ARRAY_LOAD_INL_H_

#ifndef MXA_XARRAY_ARRAY_CORE_H_
#error "include xarray/array_core.h"
#endif

namespace mxa::xarray {

// Where the slots lie of the node of `kHeight` that `entry` leads to; unaligned when it leads to none of that height.
template <unsigned kHeight>
constexpr uintptr_t SlotsOf(Entry entry) {
  static_assert(Node::kSlotsAt % (kNodeAlignMask + 1) == 0, "adding it leaves the low bits alone");
  return entry - NodeTag(kHeight) + Node::kSlotsAt;
}
constexpr bool AreSlots(uintptr_t slots) { return (slots & kNodeAlignMask) == 0; }

static_assert(alignof(ArrayCore) == 64 && sizeof(ArrayCore) == 128);

// What is at `index` below the slot `offset` of a node of `kHeight`. Orderings: Node::SlotAt.
template <unsigned kHeight>
ABSL_ATTRIBUTE_ALWAYS_INLINE inline Entry ArrayCore::LoadBelow(uintptr_t slots, unsigned offset, uint64_t index) const {
  MXA_SCHEDULE_POINT("load.down");
  const Entry entry = Node::SlotAt(slots, offset);
  if constexpr (kHeight == 1) {
    // Bit 1 alone first: an untagged pointer passes by one test.
    if (ABSL_PREDICT_FALSE((entry & 2) != 0) && IsInternal(entry)) return LoadSlow(entry, index);
    return entry;
  } else {
    slots = SlotsOf<kHeight - 1>(entry);
    if (ABSL_PREDICT_FALSE(!AreSlots(slots))) return LoadOther(entry, index);
    return LoadBelow<kHeight - 1>(slots, OffsetAt(index, kHeight - 1), index);
  }
}

// An index that the tree does not cover lies behind the last slot of its top.
template <unsigned kHeight>
ABSL_ATTRIBUTE_ALWAYS_INLINE inline Entry ArrayCore::LoadFromTop(uintptr_t slots, uint64_t index) const {
  const uint64_t offset = index >> ((kHeight - 1) * kSlotBits);
  if (offset >= kSlots) return kNull;
  return LoadBelow<kHeight>(slots, static_cast<unsigned>(offset), index);
}

// The walk is unrolled by the top node's height, the usual heights here. Its instructions are counted: some ten walks
// overlap in a processor's window, so each further one costs throughput (0.5 ns at 16 M entries). One subtraction a level
// takes the expected tag off, and adds where the slots lie; whatever is not a node of exactly that height (retry, null,
// reserved, an entry in the head) leaves low bits set and takes the cold path. Orderings: head().
ABSL_ATTRIBUTE_ALWAYS_INLINE inline Entry ArrayCore::LoadInSection(uint64_t index) const {
  const Entry head = anchor_.head();
  if (const uintptr_t slots = SlotsOf<4>(head); AreSlots(slots)) return LoadFromTop<4>(slots, index);
  if (const uintptr_t slots = SlotsOf<3>(head); AreSlots(slots)) return LoadFromTop<3>(slots, index);
  if (const uintptr_t slots = SlotsOf<2>(head); AreSlots(slots)) return LoadFromTop<2>(slots, index);
  if (const uintptr_t slots = SlotsOf<5>(head); AreSlots(slots)) return LoadFromTop<5>(slots, index);
  return LoadFromOtherTop(head, index);
}

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_ARRAY_LOAD_INL_H_
