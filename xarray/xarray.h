// SPDX-License-Identifier: Apache-2.0
//
// XArray<T>: a sparse array of pointers that does its own locking, read under RCU while its nodes move. XArray<Value> is
// one of numbers, XArray<Tagged<T>> one of pointers with a tag (element.h).
//
//   mxa::XArray<Page> pages;
//   pages.Store(7, &page).IgnoreError();
//   pages.SetMark(7, mxa::Mark::k0);
//   mxa::reclaim::ReadSection section;
//   Page* found = pages.Load(7);
//
// Threads (row runs at once with column; "lock": one after the other, by the array's own lock):
//                        Load GetMark cursor   Store Erase Insert CompareExchange SetMark ClearMark   destroy
//                        GetOrder              Reserve Release Allocate AllocateCyclic Split ...
//   Load GetMark cursor  yes                   yes                                                    no
//   Store Erase ...      yes                   lock                                                   no
//   destroy              no                    no                                                     no
//   a pass of the mover  yes                   yes (the mover only tries the lock)                    yes
// Find, CountMarked and ranges are as cursors.
// Progress: readers never wait; they restart at the head at most once per node that leaves the tree, or entry of several
// indices that ends, during the read.
#ifndef MXA_XARRAY_XARRAY_H_
#define MXA_XARRAY_XARRAY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "reclaim/rcu.h"
#include "xarray/array_core.h"
#include "xarray/count_marked.h"
#include "xarray/cursor.h"
#include "xarray/dump.h"
#include "xarray/element.h"
#include "xarray/id_limit.h"
#include "xarray/mark.h"
#include "xarray/mark_filter.h"
#include "xarray/memory_report.h"
#include "xarray/node_cache.h"
#include "xarray/range.h"
#include "xarray/xarray_cursor.h"
#include "xarray/xarray_invariants.h"

namespace mxa {

using xarray::CyclicId;
using xarray::CyclicState;
using xarray::IdLimit;
using xarray::Mark;
using xarray::MarkFilter;

// Neither copyable nor movable: its nodes point to it. What is pointed to is at least 4-byte aligned.
template <typename T>
class XArray {
  using Traits = xarray::ElementTraits<T>;

 public:
  // T*, or what element.h says.
  using Element = typename Traits::Element;

  explicit XArray(xarray::NodeCache& nodes = xarray::NodeCache::Default()) : core_(nodes) {}
  // Drops all entries; the elements are the user's. Waits at most for the move of one node.
  ~XArray() = default;

  // The element at `index`, or null. Opens a read section of its own; open one around the call to keep the element
  // valid.
  Element Load(uint64_t index) const {
    reclaim::ReadSection section;
    return LoadInSection(index);
  }
  // As Load, inside a section that is open already. REQUIRES: a read section is open on this thread.
  ABSL_ATTRIBUTE_ALWAYS_INLINE Element LoadInSection(uint64_t index) const {
    return ToElement(core_.LoadInSection(index));
  }

  // As LoadInSection for each of `indices`, several times as fast where the nodes are not in the processor's caches.
  // Each element was there at some moment of the call, not all at one.
  // REQUIRES: a read section is open on this thread; both spans have the same size.    (the latter CHECKed)
  void LoadMany(absl::Span<const uint64_t> indices, absl::Span<Element> elements) const {
    MXA_CHECK(indices.size() == elements.size(), "LoadMany with fewer or more elements than indices");
    std::array<xarray::Entry, 96> entries;
    for (size_t done = 0; done < indices.size(); done += entries.size()) {
      const absl::Span<const uint64_t> part = indices.subspan(done, entries.size());
      core_.LoadManyInSection(part, entries.data());
      for (size_t i = 0; i < part.size(); ++i) elements[done + i] = ToElement(entries[i]);
    }
  }

  // Stores `element` (null: erases, a reservation too) and returns what was there. Marks of a present entry are kept.
  // Errors: kResourceExhausted when no node can be allocated; the array is unchanged.
  absl::StatusOr<Element> Store(uint64_t index, Element element) {
    return ToElement(core_.Store(index, ToEntry(element)));
  }

  // Stores elements[i] at indices[i] for all i, or nothing, and writes what was there to `replaced`, unless that is
  // empty. Several times as fast as one by one, by one lock and by going down once a leaf; the way to build an array from
  // what is sorted. What is not sorted is sorted first, which takes memory of its own. The lock is held throughout: split
  // what must not keep other writers waiting.
  // REQUIRES: no index comes twice; no element is null; the spans have the same size.    (CHECKed)
  // Errors: kResourceExhausted; the array is unchanged.
  absl::Status StoreMany(absl::Span<const uint64_t> indices, absl::Span<const Element> elements,
                         absl::Span<Element> replaced = {}) {
    MXA_CHECK(indices.size() == elements.size() && (replaced.empty() || replaced.size() == indices.size()),
              "StoreMany with fewer or more elements than indices");
    return core_.StoreMany(
        indices, [&](size_t i) { return ToEntry(elements[i]); },
        [&](size_t i, xarray::Entry entry) {
          if (!replaced.empty()) replaced[i] = ToElement(entry);
        });
  }

  // Removes and returns what was there. Never allocates, cannot fail.
  Element Erase(uint64_t index) { return ToElement(core_.Erase(index)); }

  // Errors: kAlreadyExists (a reserved index too), kResourceExhausted; the array is unchanged.
  absl::Status Insert(uint64_t index, Element element) { return core_.Insert(index, ToEntry(element)); }

  // Stores `desired` if `expected` is there; returns what was there, so that success is `result == expected`.
  // Errors: kResourceExhausted; the array is unchanged.
  absl::StatusOr<Element> CompareExchange(uint64_t index, Element expected, Element desired) {
    return ToElement(core_.CompareExchange(index, ToEntry(expected), ToEntry(desired)));
  }

  // --- Reservations and IDs. Every array can do both; all three marks stay the user's.
  //
  // A reserved index reads as null, cursors skip it, and it cannot be marked; but it is in use: the array is not empty,
  // Insert and Allocate do not take it, and a Store there never needs memory. Erase and Store(null) end a reservation as
  // they end an entry; Insert(null) is a reservation that is refused where something is already. There is no Exchange:
  // Store returns what was there.

  // Makes sure that a Store at `index` needs no memory; does nothing where something is already.
  // Errors: kResourceExhausted; the array is unchanged.
  absl::Status Reserve(uint64_t index) { return core_.Reserve(index); }
  // Takes a reservation back, if nothing has been stored there since; whether it did. Never allocates, cannot fail.
  bool Release(uint64_t index) { return core_.Release(index); }

  // Stores `element` at the lowest index of `limit` that is not in use, and returns that index, its ID. A null element
  // reserves it. Erase gives the ID back.
  //
  // `id`, if not null, is written before readers can find the element, so that it may be a member of it:
  //   pages.Allocate(page, {.min = 1}, &page->id)
  // On failure it is not written.
  // Errors: kOutOfRange when no index of `limit` is free; kResourceExhausted when there is no memory. The array is
  // unchanged.
  absl::StatusOr<uint64_t> Allocate(Element element, IdLimit limit = {}, uint64_t* id = nullptr) {
    return core_.Allocate(ToEntry(element), limit, id);
  }
  // As Allocate, but goes on where the last one with this `state` ended, and round at the end of `limit`, so that an ID
  // that was given back is handed out again as late as possible. Whether it went round is told by the result, and is no
  // error. Threads may share a `state`; on failure it is unchanged.
  absl::StatusOr<CyclicId> AllocateCyclic(Element element, IdLimit limit, CyclicState& state, uint64_t* id = nullptr) {
    return core_.AllocateCyclic(ToEntry(element), limit, state, id);
  }

  // --- Entries of several indices.
  //
  // One of order n takes the 2^n indices that agree above the lowest n bits, up to n = 63, and takes no more memory than a
  // few single ones. It is one entry: Store, Erase, CompareExchange, marks at any of its indices mean all of it, readers
  // see it change at all of them at once, and walks meet it once, at the lowest of its indices that they may look at. What
  // is done to an order or a range is done to just these indices: an entry that goes beyond them is split.

  // Stores `element` at the 2^order indices around `index`, in place of what is there, of which `replaced`, if given, is
  // told: void(uint64_t first_index, Element). It carries each mark that something it replaces carried.
  // An entry that goes beyond these indices is told of for the piece that ends here, and stays in the rest: free nothing
  // for having been told of it, unless no entry goes beyond.
  // `replaced` is called under the array's lock: it must not use the array, wait or allocate from movable caches.
  // REQUIRES: order <= 63; `element` is not null.    (CHECKed)
  // Errors: kResourceExhausted; the array is unchanged.
  template <typename Replaced>
  absl::Status StoreOrder(uint64_t index, unsigned order, Element element, Replaced replaced) {
    return core_.StoreOrder(index, order, ToEntry(element), TellElements(replaced));
  }
  absl::Status StoreOrder(uint64_t index, unsigned order, Element element) {
    return StoreOrder(index, order, element, [](uint64_t, Element) {});
  }
  // As StoreOrder when nothing is at any of the indices. Errors: kAlreadyExists (reserved ones too), kResourceExhausted.
  absl::Status InsertOrder(uint64_t index, unsigned order, Element element) {
    return core_.InsertOrder(index, order, ToEntry(element));
  }
  // Stores `element` at first..last, as the fewest entries that cover it, each for itself from then on. Other writers see
  // all or nothing, readers one after the other.
  // REQUIRES: first <= last; `element` is not null.    (CHECKed)
  // Errors: kResourceExhausted; the array is unchanged.
  template <typename Replaced>
  absl::Status StoreRange(uint64_t first, uint64_t last, Element element, Replaced replaced) {
    return core_.StoreRange(first, last, ToEntry(element), TellElements(replaced));
  }
  absl::Status StoreRange(uint64_t first, uint64_t last, Element element) {
    return StoreRange(first, last, element, [](uint64_t, Element) {});
  }
  // Removes all that is at first..last, reservations too; `removed` is told as in StoreOrder. Drops the lock now and then:
  // what others store in the range meanwhile may stay. Needs memory only to split an entry that goes beyond the range.
  // REQUIRES: first <= last.    (CHECKed)
  // Errors: kResourceExhausted; the array is unchanged.
  template <typename Removed>
  absl::Status EraseRange(uint64_t first, uint64_t last, Removed removed) {
    return core_.EraseRange(first, last, TellElements(removed));
  }
  absl::Status EraseRange(uint64_t first, uint64_t last) {
    return EraseRange(first, last, [](uint64_t, Element) {});
  }
  // Of the entry or reservation at `index`; nothing when nothing is there. Opens a read section of its own.
  std::optional<unsigned> GetOrder(uint64_t index) const { return core_.GetOrder(index); }
  // Makes entries of `order` of the one at `index`, all the same and with its marks; each can then be changed for itself.
  // Readers see no difference. Does nothing when the entry is of that order or below.
  // Errors: kNotFound when nothing is there; kResourceExhausted; the array is unchanged.
  absl::Status Split(uint64_t index, unsigned order) { return core_.Split(index, order); }
  // As Split, but only the entry at `index` comes to be of `order`, and the rest stays in pieces as large as can be: one
  // node for each six orders, where Split may need one for every 64 entries.
  absl::Status SplitToward(uint64_t index, unsigned order) { return core_.SplitToward(index, order); }

  bool GetMark(uint64_t index, Mark mark) const { return core_.GetMark(index, mark); }
  // False when there is no entry at `index`.
  bool SetMark(uint64_t index, Mark mark) { return core_.SetMark(index, mark); }
  void ClearMark(uint64_t index, Mark mark) { core_.ClearMark(index, mark); }
  // Whether any entry carries `mark`.
  bool HasMarked(Mark mark) const { return core_.HasMarked(mark); }

  // --- Finding and walking; XArrayCursor (xarray_cursor.h) walks as well, inside a section of yours.
  //
  // Each Find is one step in a read section of its own: the element found may be erased at once, so open a section
  // around the call to keep it valid. A loop over Find costs a walk from the head each time; a range or a cursor does
  // not.

  // The first entry at first..last, or nothing.
  std::optional<XArrayItem<T>> Find(uint64_t first = 0, uint64_t last = ~uint64_t{0}) const {
    return FindMatching(MarkFilter(), first, last);
  }
  // The first entry that has an index behind `index` and not beyond `last`, or nothing: one of several indices that goes on
  // behind `index` too. Behind all of that: FindAfter(index | ((uint64_t{1} << order) - 1)), with what GetOrder says.
  std::optional<XArrayItem<T>> FindAfter(uint64_t index, uint64_t last = ~uint64_t{0}) const {
    if (index == ~uint64_t{0}) return std::nullopt;
    return Find(index + 1, last);
  }
  // The first entry at first..last that carries `mark`, or nothing.
  std::optional<XArrayItem<T>> FindMarked(Mark mark, uint64_t first = 0, uint64_t last = ~uint64_t{0}) const {
    return FindMatching(MarkFilter().With(mark), first, last);
  }
  // The first entry at first..last that `filter` lets pass, or nothing.
  std::optional<XArrayItem<T>> FindMatching(MarkFilter filter, uint64_t first = 0, uint64_t last = ~uint64_t{0}) const {
    reclaim::ReadSection section;
    xarray::Cursor cursor(core_, first);
    const xarray::Entry entry = cursor.NextMatching(filter, last);
    if (entry == xarray::kNull) return std::nullopt;
    return XArrayItem<T>{cursor.index(), ToElement(entry)};
  }
  // Writes the first entries at first..last that `filter` lets pass to `items`, as many as there are and fit, and returns
  // how many. Not a snapshot; opens a read section of its own: open one around the call to keep the elements valid.
  size_t Extract(absl::Span<XArrayItem<T>> items, uint64_t first = 0, uint64_t last = ~uint64_t{0},
                 MarkFilter filter = MarkFilter()) const {
    reclaim::ReadSection section;
    xarray::Cursor cursor(core_, first);
    size_t count = 0;
    while (count < items.size()) {
      const xarray::Entry entry = cursor.NextMatching(filter, last);
      if (entry == xarray::kNull) break;
      items[count++] = {cursor.index(), ToElement(entry)};
    }
    return count;
  }
  // How many entries at first..last carry `mark`. Not a snapshot (count_marked.h); opens read sections of its own.
  uint64_t CountMarked(Mark mark, uint64_t first = 0, uint64_t last = ~uint64_t{0}) const {
    return xarray::CountMarked(core_, mark, first, last);
  }
  // The entries at first..last as a C++ range of {index, element}, by itself or .Marked(mark), .Matching(filter),
  // .Reversed(). An element is valid for the loop body it is handed to (range.h says what a loop pins).
  XArrayRange<T> Range(uint64_t first = 0, uint64_t last = ~uint64_t{0}) const {
    return XArrayRange<T>(core_, first, last);
  }

  bool empty() const { return core_.empty(); }
  // Drops all entries; the elements are the user's.
  void Clear() { core_.Clear(); }

  // OK, or the number of the invariant (X1 to X9) that does not hold and where. Takes the array lock.
  absl::Status CheckInvariants() const { return xarray::CheckInvariants(core_); }
  // The tree as text, cut after a thousand lines. Takes the array lock.
  std::string Dump() const { return xarray::Dump(core_); }
  // The tree for Graphviz' dot, cut after 200 nodes. Takes the array lock.
  std::string DumpGraphviz() const { return xarray::DumpGraphviz(core_); }
  // Why the array uses as much memory as it does (memory_report.h). Reads it as a reader does, with pauses.
  xarray::ArrayMemory ReportMemory() const { return xarray::ReportMemory(core_); }

  xarray::ArrayCore& core() { return core_; }
  const xarray::ArrayCore& core() const { return core_; }

 private:
  static xarray::Entry ToEntry(Element element) { return Traits::ToEntry(element); }
  static Element ToElement(xarray::Entry entry) { return Traits::FromEntry(entry); }
  template <typename Told>
  static auto TellElements(Told& told) {
    return [&told](uint64_t index, xarray::Entry entry) { told(index, ToElement(entry)); };
  }
  static absl::StatusOr<Element> ToElement(const absl::StatusOr<xarray::Entry>& entry) {
    if (!entry.ok()) return entry.status();
    return ToElement(*entry);
  }

  xarray::ArrayCore core_;
};

}  // namespace mxa

#endif  // MXA_XARRAY_XARRAY_H_
