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
//                                              Reserve Release Allocate AllocateCyclic
//   Load GetMark cursor  yes                   yes                                                    no
//   Store Erase ...      yes                   lock                                                   no
//   destroy              no                    no                                                     no
//   a pass of the mover  yes                   yes (the mover only tries the lock)                    yes
// Progress: readers never wait; they restart at the head at most once per node that leaves the tree during the read.
#ifndef MXA_XARRAY_XARRAY_H_
#define MXA_XARRAY_XARRAY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "reclaim/rcu.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/element.h"
#include "xarray/id_limit.h"
#include "xarray/mark.h"
#include "xarray/node_cache.h"
#include "xarray/xarray_invariants.h"

namespace mxa {

using xarray::CyclicId;
using xarray::CyclicState;
using xarray::IdLimit;
using xarray::Mark;

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
  // what is sorted. The lock is held throughout: split what must not keep other writers waiting.
  // REQUIRES: the indices ascend; no element is null; the spans have the same size.    (CHECKed)
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

  bool GetMark(uint64_t index, Mark mark) const { return core_.GetMark(index, mark); }
  // False when there is no entry at `index`.
  bool SetMark(uint64_t index, Mark mark) { return core_.SetMark(index, mark); }
  void ClearMark(uint64_t index, Mark mark) { core_.ClearMark(index, mark); }
  // Whether any entry carries `mark`.
  bool HasMarked(Mark mark) const { return core_.HasMarked(mark); }

  bool empty() const { return core_.empty(); }
  // Drops all entries; the elements are the user's.
  void Clear() { core_.Clear(); }

  // OK, or the number of the invariant (X1 to X8) that does not hold and where. Takes the array lock.
  absl::Status CheckInvariants() const { return xarray::CheckInvariants(core_); }
  // The tree as text, cut after a thousand lines. Takes the array lock.
  std::string Dump() const { return xarray::Dump(core_); }

  xarray::ArrayCore& core() { return core_; }
  const xarray::ArrayCore& core() const { return core_; }

 private:
  template <typename U>
  friend class XArrayCursor;

  static xarray::Entry ToEntry(Element element) { return Traits::ToEntry(element); }
  static Element ToElement(xarray::Entry entry) { return Traits::FromEntry(entry); }
  static absl::StatusOr<Element> ToElement(const absl::StatusOr<xarray::Entry>& entry) {
    if (!entry.ok()) return entry.status();
    return ToElement(*entry);
  }

  xarray::ArrayCore core_;
};

// Walks present or marked entries in ascending order.
//
//   mxa::reclaim::ReadSection section;
//   mxa::XArrayCursor<Page> cursor(pages, first);
//   while (Page* page = cursor.Next(last)) Use(cursor.index(), *page);
//
// Every entry present during the whole walk is met exactly once, in strictly ascending order; others at most once.
// Threads: one thread's; runs at once with everything but the array's destruction.
// REQUIRES: one read section (or the array lock) spans all calls, except across Pause(), after which the next call
// starts anew behind the last index met.
template <typename T>
class XArrayCursor {
 public:
  using Element = typename XArray<T>::Element;

  XArrayCursor(const XArray<T>& array, uint64_t first) : cursor_(array.core(), first) {}

  // The next present entry up to `last`, or null.
  Element Next(uint64_t last = ~uint64_t{0}) { return XArray<T>::ToElement(cursor_.Next(last)); }
  // The next entry up to `last` that carries `mark`, or null. Mark and entry are read one after the other (cursor.h).
  Element NextMarked(Mark mark, uint64_t last = ~uint64_t{0}) {
    return XArray<T>::ToElement(cursor_.NextMarked(mark, last));
  }
  // Of the entry met last. REQUIRES: there was one.
  uint64_t index() const { return cursor_.index(); }
  // To be called before the section ends when the walk is to go on in another.
  void Pause() { cursor_.Pause(); }

 private:
  xarray::Cursor cursor_;
};

}  // namespace mxa

#endif  // MXA_XARRAY_XARRAY_H_
