// SPDX-License-Identifier: Apache-2.0
//
// The policies of a cursor's walk: the ways it can go, and the filters that say what it meets. They cost nothing where they
// ask for nothing.
//
// For cursor.cc alone. Threads: no state of their own.
#ifndef MXA_XARRAY_CURSOR_POLICIES_H_
#define MXA_XARRAY_CURSOR_POLICIES_H_

#include <algorithm>
#include <bit>
#include <cstdint>

#include "xarray/anchor.h"
#include "xarray/entry.h"
#include "xarray/mark.h"
#include "xarray/mark_filter.h"
#include "xarray/node.h"

namespace mxa::xarray::walk {

inline bool IsPresent(Entry entry) { return entry != kNull && !IsInternal(entry); }

// The index bits below a slot of a node of `height`.
inline uint64_t SlotMask(unsigned height) { return MaxIndex(height - 1); }

// --- Ways: what goes on from an index, and where it ends.

struct Up {
  static constexpr bool kIsUp = true;
  static constexpr uint64_t kEnd = ~uint64_t{0};
  static constexpr unsigned kFirstOffset = 0;
  static uint64_t After(uint64_t index) { return index + 1; }
  static bool IsBeyond(uint64_t index, uint64_t bound) { return index > bound; }
  // The last index on this way of those that agree with `index` above `mask`.
  static uint64_t LastOf(uint64_t index, uint64_t mask) { return index | mask; }
  // The lowest index on this way, from `next` on, of an entry whose first index is `first`.
  static uint64_t LowestMet(uint64_t, uint64_t next, uint64_t) { return next; }
  // How many slots from `offset` on to the next bit of `word`; 64 when there is none.
  static unsigned Distance(uint64_t word, unsigned offset) {
    return static_cast<unsigned>(std::countr_zero(word >> offset));
  }
  // The first index on this way of the slot that lies `slots` ahead.
  static uint64_t Advance(uint64_t index, unsigned height, unsigned slots) {
    return (index & ~SlotMask(height)) + (uint64_t{slots} << ((height - 1) * kSlotBits));
  }
};

struct Down {
  static constexpr bool kIsUp = false;
  static constexpr uint64_t kEnd = 0;
  static constexpr unsigned kFirstOffset = kSlots - 1;
  static uint64_t After(uint64_t index) { return index - 1; }
  static bool IsBeyond(uint64_t index, uint64_t bound) { return index < bound; }
  static uint64_t LastOf(uint64_t index, uint64_t mask) { return index & ~mask; }
  static uint64_t LowestMet(uint64_t first, uint64_t, uint64_t bound) { return std::max(first, bound); }
  static unsigned Distance(uint64_t word, unsigned offset) {
    return static_cast<unsigned>(std::countl_zero(word << (kSlots - 1 - offset)));
  }
  static uint64_t Advance(uint64_t index, unsigned height, unsigned slots) {
    return (index | SlotMask(height)) - (uint64_t{slots} << ((height - 1) * kSlotBits));
  }
};

// --- Filters. Candidates: the slots of a node that may hold, or lead to, an entry that passes.

struct AnyEntry {
  static constexpr bool kIsAny = true;
};

struct OneMark {
  static constexpr bool kIsAny = false;
  Mark mark;

  uint64_t Candidates(const Node& node, unsigned) const { return node.marks(mark); }
  bool Passes(uint64_t mark_word) const { return ArrayAnchor::IsMarked(mark_word, mark); }
};

struct ManyMarks {
  static constexpr bool kIsAny = false;
  MarkFilter filter;

  uint64_t Candidates(const Node& node, unsigned height) const {
    uint64_t word = ~uint64_t{0};
    for (Mark mark : kAllMarks) {
      if (filter.Asks(mark)) word &= node.marks(mark);
      // Above the leaves a mark says that some entry carries it, not that all do.
      if (height == 1 && filter.Bars(mark)) word &= ~node.marks(mark);
    }
    return word;
  }
  bool Passes(uint64_t mark_word) const {
    for (Mark mark : kAllMarks) {
      const bool marked = ArrayAnchor::IsMarked(mark_word, mark);
      if (marked ? filter.Bars(mark) : filter.Asks(mark)) return false;
    }
    return true;
  }
};

}  // namespace mxa::xarray::walk

#endif  // MXA_XARRAY_CURSOR_POLICIES_H_
