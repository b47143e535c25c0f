// SPDX-License-Identifier: Apache-2.0
//
// The tagged word that a slot or the head holds.
//
//   bits 1..0   bits 5..2   meaning
//   00          any         null (all zero) or a pointer, 4-byte aligned
//   x1          any         a value of 63 bits, or a pointer tagged 1 or 3
//   10          1..11       a node of that height: the rest of the word is its address, 64-byte aligned
//   10          0           special: bits 8..6 say which (retry, zero), the rest is its payload
//
// The height in the pointer is what spares a walk the node's header: subtracting NodeTag(h) leaves an aligned address
// if and only if the word is a node of height h, so one test per level covers retry, null, entries and nodes of the
// wrong height alike. Encodings follow Linux's XArray (Wilcox 2017); the height bits are ours.
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

static_assert(!IsNode(kRetry) && !IsNode(kZero) && IsNode(NodeTag(1)) && IsNode(NodeTag(kMaxHeight)));
static_assert(MaxIndex(1) == 63 && OffsetAt(~uint64_t{0}, kMaxHeight) == 15);

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_ENTRY_H_
