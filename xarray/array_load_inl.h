// SPDX-License-Identifier: Apache-2.0
//
// The body of ArrayCore::LoadInSection, which callers inline: the end of array_core.h.
#ifndef MXA_XARRAY_ARRAY_LOAD_INL_H_
#define MXA_XARRAY_ARRAY_LOAD_INL_H_

#ifndef MXA_XARRAY_ARRAY_CORE_H_
#error "include xarray/array_core.h"
#endif

namespace mxa::xarray {

// Whether `index` lies behind all that a tree of this height covers.
template <unsigned kHeight>
constexpr bool IsBeyond(uint64_t index) {
  if constexpr (kHeight >= kMaxHeight) return false;
  return index > MaxIndex(kHeight);
}

// The walk is unrolled by the top node's height. Its instructions are counted: about ten walks overlap in a processor's
// window, so each further one costs throughput (0.5 ns at 16 M entries). One subtraction a level takes the expected tag
// off, and adds where the slots lie; whatever is not a node of exactly that height (retry, null, reserved, an entry in
// the head) leaves low bits set and takes the cold path. Orderings: head() and Node::SlotAt.
ABSL_ATTRIBUTE_ALWAYS_INLINE inline Entry ArrayCore::LoadInSection(uint64_t index) const {
  static_assert(Node::kSlotsAt % (kNodeAlignMask + 1) == 0, "adding it leaves the low bits alone");
  Entry entry = anchor_.head();
  uintptr_t slots = 0;

#define MXA_TOP(height)                                     \
  top_##height : if (IsBeyond<height>(index)) return kNull; \
  slots = entry - NodeTag(height) + Node::kSlotsAt;         \
  goto at_##height
#define MXA_DOWN(height, below)                                       \
  at_##height : entry = Node::SlotAt(slots, OffsetAt(index, height)); \
  slots = entry - NodeTag(below) + Node::kSlotsAt;                    \
  if (ABSL_PREDICT_FALSE((slots & kNodeAlignMask) != 0)) return LoadOther(entry, index)

  // The usual heights by direct branches, which cost less than a jump table and are told apart better when arrays of
  // several heights are in use.
  const unsigned tag = static_cast<unsigned>(entry & kNodeAlignMask);
  if (tag == NodeTag(4)) goto top_4;
  if (tag == NodeTag(3)) goto top_3;
  if (tag == NodeTag(5)) goto top_5;
  if (tag == NodeTag(2)) goto top_2;
  switch (tag) {
    case NodeTag(1):
      goto top_1;
    case NodeTag(6):
      goto top_6;
    case NodeTag(7):
      goto top_7;
    case NodeTag(8):
      goto top_8;
    case NodeTag(9):
      goto top_9;
    case NodeTag(10):
      goto top_10;
    case NodeTag(11):
      goto top_11;
    default:
      return LoadSlow(entry, index);
  }
  MXA_TOP(1);
  MXA_TOP(2);
  MXA_TOP(3);
  MXA_TOP(4);
  MXA_TOP(5);
  MXA_TOP(6);
  MXA_TOP(7);
  MXA_TOP(8);
  MXA_TOP(9);
  MXA_TOP(10);
  MXA_TOP(11);
  MXA_DOWN(11, 10);
  MXA_DOWN(10, 9);
  MXA_DOWN(9, 8);
  MXA_DOWN(8, 7);
  MXA_DOWN(7, 6);
  MXA_DOWN(6, 5);
  MXA_DOWN(5, 4);
  MXA_DOWN(4, 3);
  MXA_DOWN(3, 2);
  MXA_DOWN(2, 1);
at_1:
  entry = Node::SlotAt(slots, OffsetAt(index, 1));
  // Bit 1 alone first: an untagged pointer passes by one test.
  if (ABSL_PREDICT_FALSE((entry & 2) != 0) && IsInternal(entry)) return LoadSlow(entry, index);
  return entry;

#undef MXA_TOP
#undef MXA_DOWN
}

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_ARRAY_LOAD_INL_H_
