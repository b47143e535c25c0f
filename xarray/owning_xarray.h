// SPDX-License-Identifier: Apache-2.0
//
// OwningXArray<T>: an XArray that makes its elements and destroys them, each after a grace period.
//
//   mxa::OwningXArray<Session> sessions;
//   sessions.Emplace(7, "root").IgnoreError();
//   mxa::reclaim::ReadSection section;
//   if (const Session* session = sessions.Load(7)) Use(*session);   // valid until the section ends, erased or not
//
// Threads: as XArray (xarray.h): readers run at once with everything but the destructor, writers one after the other.
// An element is read by many threads at once; what changes in it is T's business.
// Why elements are not moved in memory: users hold pointers to them. Why not std::unique_ptr elements: what was replaced
// must outlive the readers that still look at it, so nobody can be handed it back.
#ifndef MXA_XARRAY_OWNING_XARRAY_H_
#define MXA_XARRAY_OWNING_XARRAY_H_

#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/check.h"
#include "reclaim/rcu.h"
#include "reclaim/retire.h"
#include "xarray/mark.h"
#include "xarray/node_cache.h"
#include "xarray/xarray.h"

namespace mxa {

// `T` need be neither copyable nor movable. Its destructor runs on the retiring thread (reclaim/retire.h): it must not
// wait for grace periods.
template <typename T>
class OwningXArray {
 public:
  explicit OwningXArray(xarray::NodeCache& nodes = xarray::NodeCache::Default()) : boxes_(nodes) {}
  // Retires all elements; reclaim::RetireBarrier() waits until they are destroyed.
  // REQUIRES: no reader or writer is inside; elements that open read sections hold stay valid.
  ~OwningXArray() { Clear(); }

  // The element at `index`, or null. REQUIRES: a read section is open on this thread.    (CHECKed)
  T* Load(uint64_t index) const {
    MXA_CHECK(reclaim::InReadSection(), "an element of an owning array read outside a read section");
    return Value(boxes_.LoadInSection(index));
  }

  // Makes an element from `args` and stores it at `index`; true if it replaces one, which is retired. Marks stay.
  //
  // Context: takes the array's lock and allocates; nothing of T runs under the lock.
  // Errors: kResourceExhausted; the array is unchanged, and the new element is destroyed.
  template <typename... Args>
  absl::StatusOr<bool> Emplace(uint64_t index, Args&&... args) {
    std::unique_ptr<Box> box = Make(std::forward<Args>(args)...);
    if (box == nullptr) return NoMemory();
    const absl::StatusOr<Box*> replaced = boxes_.Store(index, box.get());
    if (!replaced.ok()) return replaced.status();
    static_cast<void>(box.release());
    return RetireBox(*replaced);
  }

  // As Emplace where nothing is. Errors: kAlreadyExists, kResourceExhausted.
  template <typename... Args>
  absl::Status TryEmplace(uint64_t index, Args&&... args) {
    std::unique_ptr<Box> box = Make(std::forward<Args>(args)...);
    if (box == nullptr) return NoMemory();
    absl::Status status = boxes_.Insert(index, box.get());
    if (status.ok()) static_cast<void>(box.release());
    return status;
  }

  // Removes the element at `index` and retires it; false if there was none. Cannot fail.
  bool Erase(uint64_t index) { return RetireBox(boxes_.Erase(index)); }

  // Removes and retires the elements at first..last; readers see one after the other go. Cannot fail.
  // REQUIRES: first <= last.    (CHECKed)
  void EraseRange(uint64_t first, uint64_t last) {
    const absl::Status status = boxes_.EraseRange(first, last, [](uint64_t, Box* box) { RetireBox(box); });
    MXA_CHECK(status.ok(), "an owning array has entries of several indices");
  }

  // As EraseRange of all there is.
  void Clear() { EraseRange(0, ~uint64_t{0}); }

  bool GetMark(uint64_t index, Mark mark) const { return boxes_.GetMark(index, mark); }
  // False when there is no element at `index`.
  bool SetMark(uint64_t index, Mark mark) { return boxes_.SetMark(index, mark); }
  void ClearMark(uint64_t index, Mark mark) { boxes_.ClearMark(index, mark); }
  bool HasMarked(Mark mark) const { return boxes_.HasMarked(mark); }

  bool empty() const { return boxes_.empty(); }
  absl::Status CheckInvariants() const { return boxes_.CheckInvariants(); }

 private:
  template <typename U>
  friend class OwningXArrayCursor;

  struct Box : reclaim::RetireHead {
    template <typename... Args>
    explicit Box(Args&&... args) : value(std::forward<Args>(args)...) {}
    T value;
  };

  static T* Value(Box* box) { return box == nullptr ? nullptr : &box->value; }

  // Null when there is no memory for it.
  template <typename... Args>
  static std::unique_ptr<Box> Make(Args&&... args) {
    return std::unique_ptr<Box>(new (std::nothrow) Box(std::forward<Args>(args)...));
  }
  static absl::Status NoMemory() { return absl::ResourceExhaustedError("no memory for an element"); }

  static bool RetireBox(Box* box) {
    if (box == nullptr) return false;
    reclaim::Retire(box, [](reclaim::RetireHead* head) { delete static_cast<Box*>(head); });
    return true;
  }

  XArray<Box> boxes_;
};

// As XArrayCursor: walks present or marked elements in ascending order, inside one read section.
template <typename T>
class OwningXArrayCursor {
 public:
  OwningXArrayCursor(const OwningXArray<T>& array, uint64_t first) : cursor_(array.boxes_, first) {}

  T* Next(uint64_t last = ~uint64_t{0}) { return OwningXArray<T>::Value(cursor_.Next(last)); }
  T* NextMarked(Mark mark, uint64_t last = ~uint64_t{0}) {
    return OwningXArray<T>::Value(cursor_.NextMarked(mark, last));
  }
  // Of the element met last. REQUIRES: there was one.
  uint64_t index() const { return cursor_.index(); }
  void Pause() { cursor_.Pause(); }

 private:
  XArrayCursor<typename OwningXArray<T>::Box> cursor_;
};

}  // namespace mxa

#endif  // MXA_XARRAY_OWNING_XARRAY_H_
