// SPDX-License-Identifier: Apache-2.0
//
// The entries of a part of an array as a C++ range.
//
//   for (auto [index, page] : pages.Range(0, 4095)) Use(index, *page);
//   for (auto [index, page] : pages.Range().Marked(mxa::Mark::k0).Reversed()) WriteBack(index, *page);
//
// What it pins: a range nothing; it is a value that says what to walk. begin() opens a read section, which the iterator
// holds until it has come to the end or is destroyed. Before every kPauseInterval-th step the iterator ends its section
// and opens another, so that a long loop does not hold up grace periods. Hence
//   * an element stays valid until the iterator's next step: for the loop body it is handed to, no longer;
//   * to keep elements longer, open a ReadSection around the loop. The pauses then end nothing, and grace periods wait
//     for that section;
//   * a body that blocks holds up grace periods while it does, as in any read section.
// The body may change the array. Every entry present during the whole loop is met exactly once, strictly ascending
// (descending when reversed); others at most once. A range lives no longer than its array.
// Threads: an iterator is the thread's that began it.
// Why the section is the iterator's: a range can be stored, copied and piped through std::views, a section cannot.
#ifndef MXA_XARRAY_RANGE_H_
#define MXA_XARRAY_RANGE_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <ranges>
#include <utility>

#include "absl/base/attributes.h"
#include "base/check.h"
#include "base/schedule_point.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/element.h"
#include "xarray/mark_filter.h"
#include "xarray/pause_interval.h"
#include "xarray/range_section.h"

namespace mxa {

// An element and where it is.
template <typename T>
struct XArrayItem {
  uint64_t index;
  typename xarray::ElementTraits<T>::Element element;

  friend bool operator==(const XArrayItem&, const XArrayItem&) = default;
};

template <typename T>
class XArrayIterator;

// Cheap to copy. Its iterators are input iterators: one pass, movable only.
template <typename T>
class XArrayRange : public std::ranges::view_base {
 public:
  XArrayRange(const xarray::ArrayCore& array, uint64_t first, uint64_t last)
      : array_(&array), first_(first), last_(last) {}

  // Only entries that `filter` lets pass; in place of what was asked before.
  XArrayRange Matching(xarray::MarkFilter filter) const {
    XArrayRange range = *this;
    range.filter_ = filter;
    return range;
  }
  // Only entries that carry `mark`.
  XArrayRange Marked(xarray::Mark mark) const { return Matching(xarray::MarkFilter().With(mark)); }
  // The other way round.
  XArrayRange Reversed() const {
    XArrayRange range = *this;
    range.is_reversed_ = !is_reversed_;
    return range;
  }

  XArrayIterator<T> begin() const { return XArrayIterator<T>(*this); }
  static std::default_sentinel_t end() { return {}; }

 private:
  friend class XArrayIterator<T>;

  const xarray::ArrayCore* array_;
  uint64_t first_;
  uint64_t last_;
  xarray::MarkFilter filter_;
  bool is_reversed_ = false;
};

template <typename T>
class XArrayIterator {
 public:
  using iterator_concept = std::input_iterator_tag;
  using value_type = XArrayItem<T>;
  using difference_type = std::ptrdiff_t;

  explicit XArrayIterator(const XArrayRange<T>& range)
      : cursor_(*range.array_, range.is_reversed_ ? range.last_ : range.first_),
        bound_(range.is_reversed_ ? range.first_ : range.last_),
        filter_(range.filter_),
        is_reversed_(range.is_reversed_) {
    section_.Open();
    entry_ = StepOnCopy();
    if (entry_ == xarray::kNull) section_.Close();
  }
  // Sections nest: the new one is open before the old one ends, so that what is pinned stays pinned.
  XArrayIterator(XArrayIterator&& from) : cursor_(from.cursor_) { *this = std::move(from); }
  XArrayIterator& operator=(XArrayIterator&& from) {
    if (this == &from) return *this;
    if (from.section_.is_open()) section_.Open();
    if (!from.section_.is_open()) section_.Close();
    cursor_ = from.cursor_;
    bound_ = from.bound_;
    entry_ = from.entry_;
    filter_ = from.filter_;
    steps_ = from.steps_;
    is_reversed_ = from.is_reversed_;
    from.entry_ = xarray::kNull;
    from.section_.Close();
    return *this;
  }

  // REQUIRES: not at the end.    (DCHECKed)
  XArrayItem<T> operator*() const {
    MXA_DCHECK(entry_ != xarray::kNull, "read behind the end of a range");
    return {cursor_.index(), xarray::ElementTraits<T>::FromEntry(entry_)};
  }
  // The element met before may be gone afterwards. REQUIRES: not at the end.    (DCHECKed)
  XArrayIterator& operator++() {
    MXA_DCHECK(entry_ != xarray::kNull, "went beyond the end of a range");
    if (++steps_ % xarray::kPauseInterval == 0) Pause();
    entry_ = Step();
    if (entry_ == xarray::kNull) section_.Close();
    return *this;
  }
  void operator++(int) { ++*this; }

  friend bool operator==(const XArrayIterator& it, std::default_sentinel_t) { return it.entry_ == xarray::kNull; }

 private:
  // Always inline, and what is not works on a copy, as in Cursor::OnCopy: nothing out of line gets to see an address in the
  // iterator, so that the compiler may keep one on the stack in registers (4.6 against 1.8 ns a step).
  ABSL_ATTRIBUTE_ALWAYS_INLINE xarray::Entry Step() {
    if (filter_.IsAny()) return is_reversed_ ? cursor_.Prev(bound_) : cursor_.Next(bound_);
    return StepOnCopy();
  }
  ABSL_ATTRIBUTE_ALWAYS_INLINE xarray::Entry StepOnCopy() {
    xarray::Cursor copy = cursor_;
    const xarray::Entry entry = is_reversed_ ? copy.PrevMatching(filter_, bound_) : copy.NextMatching(filter_, bound_);
    cursor_ = copy;
    return entry;
  }
  void Pause() {
    cursor_.Pause();
    section_.Close();
    MXA_SCHEDULE_POINT("range.pause");
    section_.Open();
  }

  xarray::RangeSection section_;  // closed once at the end
  xarray::Cursor cursor_;
  uint64_t bound_ = 0;
  xarray::Entry entry_ = xarray::kNull;  // at cursor_.index(); null at the end
  xarray::MarkFilter filter_;
  unsigned steps_ = 0;
  bool is_reversed_ = false;
};

static_assert(std::input_iterator<XArrayIterator<uint64_t>>);
static_assert(std::ranges::input_range<XArrayRange<uint64_t>>);
static_assert(std::ranges::view<XArrayRange<uint64_t>>);

}  // namespace mxa

#endif  // MXA_XARRAY_RANGE_H_
