// SPDX-License-Identifier: Apache-2.0
//
// LockedXArray<T>: several operations on an array that other writers see as one.
//
//   {
//     mxa::LockedXArray<Page> locked(pages);
//     if (locked.Load(7) == nullptr && locked.Store(7, &page).ok()) locked.SetMark(7, mxa::Mark::k0);
//   }
//
// Threads and context: locked_array.h. Readers do not wait, and see one change after the other.
// Where the idea comes from: the operations of Linux's XArray that take its lock for granted (Wilcox 2017); here the
// object that they are called on holds it, so that they cannot be called without.
#ifndef MXA_XARRAY_LOCKED_XARRAY_H_
#define MXA_XARRAY_LOCKED_XARRAY_H_

#include <cstdint>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "xarray/element.h"
#include "xarray/locked_array.h"
#include "xarray/xarray.h"

namespace mxa {

// Each operation is what it is in XArray, but fails with kResourceExhausted where memory would have to be taken back
// first, as that cannot be done under a lock. What must not fail is reserved before: array.Reserve(index).
//
// An XArrayCursor may walk the array while this lives, without a read section.
template <typename T>
class ABSL_SCOPED_LOCKABLE LockedXArray {
  using Traits = xarray::ElementTraits<T>;

 public:
  using Element = typename Traits::Element;

  explicit LockedXArray(XArray<T>& array) ABSL_EXCLUSIVE_LOCK_FUNCTION(array.core().anchor()) : locked_(array.core()) {}
  ~LockedXArray() ABSL_UNLOCK_FUNCTION() = default;
  LockedXArray(const LockedXArray&) = delete;
  LockedXArray& operator=(const LockedXArray&) = delete;

  Element Load(uint64_t index) const { return Traits::FromEntry(locked_.Load(index)); }
  absl::StatusOr<Element> Store(uint64_t index, Element element) {
    return ToElement(locked_.Store(index, Traits::ToEntry(element)));
  }
  absl::Status Insert(uint64_t index, Element element) { return locked_.Insert(index, Traits::ToEntry(element)); }
  absl::StatusOr<Element> CompareExchange(uint64_t index, Element expected, Element desired) {
    return ToElement(locked_.CompareExchange(index, Traits::ToEntry(expected), Traits::ToEntry(desired)));
  }
  Element Erase(uint64_t index) { return Traits::FromEntry(locked_.Erase(index)); }
  absl::Status Reserve(uint64_t index) { return locked_.Reserve(index); }
  bool Release(uint64_t index) { return locked_.Release(index); }

  // `replaced` is told void(uint64_t first_index, Element), and must not use the array.
  template <typename Replaced>
  absl::Status StoreOrder(uint64_t index, unsigned order, Element element, Replaced replaced) {
    return locked_.StoreOrder(index, order, Traits::ToEntry(element), [&replaced](uint64_t first, xarray::Entry entry) {
      replaced(first, Traits::FromEntry(entry));
    });
  }
  absl::Status StoreOrder(uint64_t index, unsigned order, Element element) {
    return StoreOrder(index, order, element, [](uint64_t, Element) {});
  }
  absl::Status InsertOrder(uint64_t index, unsigned order, Element element) {
    return locked_.InsertOrder(index, order, Traits::ToEntry(element));
  }
  std::optional<unsigned> GetOrder(uint64_t index) const { return locked_.GetOrder(index); }

  bool GetMark(uint64_t index, Mark mark) const { return locked_.GetMark(index, mark); }
  bool SetMark(uint64_t index, Mark mark) { return locked_.SetMark(index, mark); }
  void ClearMark(uint64_t index, Mark mark) { locked_.ClearMark(index, mark); }

 private:
  static absl::StatusOr<Element> ToElement(const absl::StatusOr<xarray::Entry>& entry) {
    if (!entry.ok()) return entry.status();
    return Traits::FromEntry(*entry);
  }

  xarray::LockedArray locked_;
};

}  // namespace mxa

#endif  // MXA_XARRAY_LOCKED_XARRAY_H_
