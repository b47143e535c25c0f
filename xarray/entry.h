// SPDX-License-Identifier: Apache-2.0
//
// The tagged word that a slot or the head holds.
//
//   bits 1..0   bits 5..2   meaning
//   00          any         null (all zero) or a pointer, 4-byte aligned
//   x1          any         a value of 63 bits, or a pointer tagged 1 or 3
//   10          1..11       a node of that height: the rest of the word is its address, 64-byte aligned
//   10          0           special: bits 8..6 say which (retry, zero, sibling), the rest is its payload
//
// The height in the pointer is what spares a walk the node's header: subtracting NodeTag(h) leaves an aligned address
// if and only if the word is a node of height h, so one test per level covers retry, null, entries and nodes of the
// wrong height alike. Encodings follow Linux's XArray (Wilcox 2017); the height bits and the siblings' generation are
// ours.
#ifndef MXA_XARRAY_ENTRY_H_
#define MXA_XARRAY_ENTRY_H_

#include <bit>
#include <cstdint>

namespace mxa::xarray {

using Entry = uintptr_t;

inline constexpr unsigned kSlotBits = 6;
inline constexpr unsigned kSlots = 1u << kSlotBits;
inline constexpr unsigned kMaxHeight = 11;  // 11 * 6 >= 64
inline constexpr uintptr_t kNodeAlignMask = 63;

inline constexpr Entry kNull = 0;
inline constexpr Entry kRetry = 2 | (uintptr_t{0} << 6);  // this node has left the tree: restart at the head
inline constexpr Entry kZero = 2 | (uintptr_t{1} << 6);   // reserved, reads as null

// What all but the first of the slots of an entry hold that takes several (README.md, "Entries of several indices"): which
// slot of the same node holds the entry, and how many it takes. `generation` tells two entries apart that take the same
// slots, one after the other.
constexpr Entry SiblingEntry(unsigned first, unsigned slots, uint32_t generation) {
  return 2 | (uintptr_t{2} << 6) | (uintptr_t{first} << 9) | (static_cast<uintptr_t>(std::countr_zero(slots)) << 15) |
         (uintptr_t{generation} << 18);
}
constexpr bool IsSibling(Entry entry) { return (entry & 511) == (2 | (uintptr_t{2} << 6)); }
constexpr unsigned SiblingOf(Entry entry) { return static_cast<unsigned>(entry >> 9) & (kSlots - 1); }
constexpr unsigned SlotsOfSibling(Entry entry) { return 1u << (static_cast<unsigned>(entry >> 15) & 7); }

constexpr Entry NodeTag(unsigned height) { return (uintptr_t{height} << 2) | 2; }
constexpr unsigned HeightBits(Entry entry) { return static_cast<unsigned>(entry >> 2) & 15; }
constexpr bool IsInternal(Entry entry) { return (entry & 3) == 2; }
constexpr bool IsNode(Entry entry) { return IsInternal(entry) && HeightBits(entry) != 0; }
constexpr bool IsValue(Entry entry) { return (entry & 1) != 0; }
// What a reader gets to see: a reserved index reads as null.
constexpr Entry AsRead(Entry entry) { return entry == kZero ? kNull : entry; }
constexpr bool IsStorable(Entry entry) { return !IsInternal(entry); }

// The index bits a tree of `height` covers beyond which it holds nothing: its largest index.
constexpr uint64_t MaxIndex(unsigned height) {
  return height >= kMaxHeight ? ~uint64_t{0} : (uint64_t{1} << (height * kSlotBits)) - 1;
}
// The height of the lowest tree that covers `index`; 0: the head alone.
constexpr unsigned HeightFor(uint64_t index) {
  return (static_cast<unsigned>(std::bit_width(index)) + kSlotBits - 1) / kSlotBits;
}
constexpr unsigned OffsetAt(uint64_t index, unsigned height) {
  return static_cast<unsigned>(index >> ((height - 1) * kSlotBits)) & (kSlots - 1);
}

// The orders an entry can have: it takes the 2^order indices that agree above that many bits.
inline constexpr unsigned kMaxOrder = 63;

// Where the indices of an entry lie: `slots` slots, a power of two below 64, of a node of `height`.
struct OrderShape {
  unsigned height;
  unsigned slots;
};
constexpr OrderShape ShapeOf(unsigned order) { return {order / kSlotBits + 1, 1u << (order % kSlotBits)}; }
constexpr unsigned OrderOf(OrderShape shape) {
  return (shape.height - 1) * kSlotBits + static_cast<unsigned>(std::countr_zero(shape.slots));
}
// The bits in which the indices of an entry of `order` differ.
constexpr uint64_t OrderMask(unsigned order) { return (uint64_t{1} << order) - 1; }

static_assert(!IsNode(kRetry) && !IsNode(kZero) && IsNode(NodeTag(1)) && IsNode(NodeTag(kMaxHeight)));
static_assert(IsSibling(SiblingEntry(63, 32, ~uint32_t{0})) && SiblingOf(SiblingEntry(63, 32, ~uint32_t{0})) == 63);
static_assert(SlotsOfSibling(SiblingEntry(63, 32, ~uint32_t{0})) == 32 && SlotsOfSibling(SiblingEntry(0, 2, 0)) == 2);
static_assert(IsInternal(SiblingEntry(0, 2, 0)) && !IsNode(SiblingEntry(0, 2, 0)));
static_assert(!IsSibling(kRetry) && !IsSibling(kZero));
static_assert(ShapeOf(kMaxOrder).height == kMaxHeight && OrderOf(ShapeOf(kMaxOrder)) == kMaxOrder);
static_assert(MaxIndex(1) == 63 && OffsetAt(~uint64_t{0}, kMaxHeight) == 15);

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_ENTRY_H_
