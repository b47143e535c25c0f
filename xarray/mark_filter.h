// SPDX-License-Identifier: Apache-2.0
//
// Which marks an entry must carry, and which it must not.
//
//   MarkFilter()                                   any entry
//   MarkFilter().With(Mark::k0)                    as a marked walk
//   MarkFilter().Without(Mark::k0)                 unmarked entries
//   MarkFilter().With(Mark::k0).Without(Mark::k1)  dirty, and not yet being written
//
// A mark both with and without: no entry at all.
// Cost of a walk: it goes only into nodes below which each mark of With occurs. Without spares it the slots, never the
// nodes: a mark word tells where marks are, not where entries without them are.
// Why marks are not said to be read at once: words of different marks lie side by side but change one by one.
#ifndef MXA_XARRAY_MARK_FILTER_H_
#define MXA_XARRAY_MARK_FILTER_H_

#include "xarray/mark.h"

namespace mxa::xarray {

class MarkFilter {
 public:
  constexpr MarkFilter() = default;

  // Also asks for `mark`.
  constexpr MarkFilter With(Mark mark) const { return MarkFilter(with_ | Bit(mark), without_); }
  // Also asks for its absence.
  constexpr MarkFilter Without(Mark mark) const { return MarkFilter(with_, without_ | Bit(mark)); }

  constexpr bool Asks(Mark mark) const { return (with_ & Bit(mark)) != 0; }
  constexpr bool Bars(Mark mark) const { return (without_ & Bit(mark)) != 0; }
  // Whether any entry will do.
  constexpr bool IsAny() const { return with_ == 0 && without_ == 0; }

  friend constexpr bool operator==(const MarkFilter&, const MarkFilter&) = default;

 private:
  constexpr MarkFilter(unsigned with, unsigned without) : with_(with), without_(without) {}
  static constexpr unsigned Bit(Mark mark) { return 1u << static_cast<unsigned>(mark); }

  unsigned with_ = 0;
  unsigned without_ = 0;
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_MARK_FILTER_H_
