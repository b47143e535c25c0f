// SPDX-License-Identifier: Apache-2.0
//
// Several operations on an array under one hold of its lock.
//
// Threads: the one that made it. Readers go on meanwhile and see one change after the other; writers wait; a pass
// leaves the array's nodes alone.
#ifndef MXA_XARRAY_LOCKED_ARRAY_H_
#define MXA_XARRAY_LOCKED_ARRAY_H_

#include <cstdint>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "xarray/anchor.h"
#include "xarray/array_core.h"
#include "xarray/entry.h"
#include "xarray/mark.h"

namespace mxa::xarray {

// Each operation is what it is in ArrayCore, with one difference: the lock is not dropped to take memory back, so an
// allocation may fail here that would succeed there. Reserve what must not fail before taking the lock.
//
// Context: while it lives its thread holds an array lock: it may not wait for grace periods, use another operation of
// the same array that takes the lock, or fork. Locks of several arrays are taken in an order of the user's making.
class ABSL_SCOPED_LOCKABLE LockedArray {
 public:
  explicit LockedArray(ArrayCore& array) ABSL_EXCLUSIVE_LOCK_FUNCTION(array.anchor()) : array_(array) {
    array.anchor().Lock();
  }
  // Of a lock that this thread holds already, from a TryLock: it is given back in the end.
  struct AdoptLock {};
  LockedArray(ArrayCore& array, AdoptLock) ABSL_EXCLUSIVE_LOCKS_REQUIRED(array.anchor()) : array_(array) {}
  ~LockedArray() ABSL_UNLOCK_FUNCTION() { array_.anchor().Unlock(); }
  LockedArray(const LockedArray&) = delete;
  LockedArray& operator=(const LockedArray&) = delete;

  Entry Load(uint64_t index) const;
  absl::StatusOr<Entry> Store(uint64_t index, Entry entry);
  absl::Status Insert(uint64_t index, Entry entry);
  absl::StatusOr<Entry> CompareExchange(uint64_t index, Entry expected, Entry desired);
  Entry Erase(uint64_t index);
  absl::Status Reserve(uint64_t index);
  bool Release(uint64_t index);

  absl::Status StoreOrder(uint64_t index, unsigned order, Entry entry, ArrayCore::Told replaced);
  absl::Status InsertOrder(uint64_t index, unsigned order, Entry entry);
  std::optional<unsigned> GetOrder(uint64_t index) const;

  bool GetMark(uint64_t index, Mark mark) const;
  bool SetMark(uint64_t index, Mark mark);
  void ClearMark(uint64_t index, Mark mark);

  // Cursors may walk it without a read section.
  const ArrayCore& array() const { return array_; }

 private:
  absl::StatusOr<Entry> Update(uint64_t index, Entry entry, Condition condition);
  absl::Status UpdateOrder(uint64_t index, unsigned order, Entry entry, bool only_free, ArrayCore::Told replaced);

  ArrayCore& array_;
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_LOCKED_ARRAY_H_
