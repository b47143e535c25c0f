// SPDX-License-Identifier: Apache-2.0
//
// XArrayCursor<T>: a walk over an XArray<T> inside a read section of yours. Comes with xarray.h.
#ifndef MXA_XARRAY_XARRAY_CURSOR_H_
#define MXA_XARRAY_XARRAY_CURSOR_H_

#include <cstdint>

#include "xarray/cursor.h"
#include "xarray/element.h"
#include "xarray/entry.h"
#include "xarray/mark.h"
#include "xarray/mark_filter.h"

namespace mxa {

template <typename T>
class XArray;

using xarray::Mark;
using xarray::MarkFilter;

// Walks an array up, down or index by index: all entries, marked ones, or those a filter lets pass.
//
//   mxa::reclaim::ReadSection section;
//   mxa::XArrayCursor<Page> cursor(pages, first);
//   while (Page* page = cursor.Next(last)) Use(cursor.index(), *page);
//
// The first step looks at the start itself; so a walk down from the end begins at 2^64-1. A step of another kind than
// the one before (Next, Prev, by index) goes on from index(), and begins at the head.
// Every entry present during the whole walk one way is met exactly once, in strictly ascending (Prev: descending) order;
// others at most once.
// Threads: one thread's; runs at once with everything but the array's destruction.
// REQUIRES: one read section (or the array lock) spans all calls, except across Pause(), after which the next call
// starts anew behind the last index met.
template <typename T>
class XArrayCursor {
 public:
  using Element = typename xarray::ElementTraits<T>::Element;

  XArrayCursor(const XArray<T>& array, uint64_t start) : cursor_(array.core(), start) {}

  // The next present entry up to `last`, or null.
  Element Next(uint64_t last = ~uint64_t{0}) { return ToElement(cursor_.Next(last)); }
  // The next present entry down to `first`, or null.
  Element Prev(uint64_t first = 0) { return ToElement(cursor_.Prev(first)); }

  // As Next and Prev, for entries that carry `mark`: at one moment of the call (cursor.h).
  Element NextMarked(Mark mark, uint64_t last = ~uint64_t{0}) { return ToElement(cursor_.NextMarked(mark, last)); }
  Element PrevMarked(Mark mark, uint64_t first = 0) { return ToElement(cursor_.PrevMarked(mark, first)); }
  // As Next and Prev, for entries that `filter` lets pass. Each mark is read at a moment of its own.
  Element NextMatching(MarkFilter filter, uint64_t last = ~uint64_t{0}) {
    return ToElement(cursor_.NextMatching(filter, last));
  }
  Element PrevMatching(MarkFilter filter, uint64_t first = 0) { return ToElement(cursor_.PrevMatching(filter, first)); }

  // What is at index() + 1 (index() - 1), null for a hole; for a first step at the start. Wraps from 2^64-1 to 0 and
  // back, so it never ends by itself.
  Element NextIndex() { return ToElement(cursor_.NextIndex()); }
  Element PrevIndex() { return ToElement(cursor_.PrevIndex()); }

  // What is at index() now, whatever has been stored or moved since the last step. Moves nothing.
  Element Reload() const { return ToElement(cursor_.Reload()); }

  // Of the entry met or the place stepped to last; the start before that.
  uint64_t index() const { return cursor_.index(); }
  // To be called before the section ends when the walk is to go on in another.
  void Pause() { cursor_.Pause(); }

 private:
  static Element ToElement(xarray::Entry entry) { return xarray::ElementTraits<T>::FromEntry(entry); }

  xarray::Cursor cursor_;
};

}  // namespace mxa

#endif  // MXA_XARRAY_XARRAY_CURSOR_H_
