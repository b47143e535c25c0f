// SPDX-License-Identifier: Apache-2.0
//
// A node that its user found by what he linked, locked in its array, so that he may look at what it holds and take that
// out.
//
//   std::optional<LockedNode> TryLockOldest() {
//     MutexLock lock(&mutex_);                   // the user's own
//     return list_.empty() ? std::nullopt : LockedNode::TryLock(list_.front());
//   }
//   ...
//   if (auto node = TryLockOldest()) std::move(*node).EraseAll([](uint64_t index, Entry entry) { ... });
//
// Threads: one thread's.
#ifndef MXA_XARRAY_LOCKED_NODE_H_
#define MXA_XARRAY_LOCKED_NODE_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "xarray/array_core.h"
#include "xarray/node_user.h"

namespace mxa::xarray {

class LockedNode {
 public:
  // Nothing when the array's lock is held by anybody.
  // REQUIRES: `area` belongs to a node that the user has been told of by OnUpdate or TryMove, and whose OnLeave or TryMove
  // cannot have ended, as he holds the lock that they wait for.
  // Context: as LockedArray from the success on, until this object's end.
  static std::optional<LockedNode> TryLock(void* area) ABSL_NO_THREAD_SAFETY_ANALYSIS;

  // Unlocks.
  ~LockedNode() {
    if (array_ != nullptr) Unlock();
  }
  LockedNode(LockedNode&& other) noexcept : array_(std::exchange(other.array_, nullptr)), node_(other.node_) {}
  LockedNode& operator=(LockedNode&&) = delete;

  NodeView view() const { return NodeView(*node_); }

  // Each entry of a node of height 1, with its lowest index there, reservations not. Nothing in a node above.
  void ForEach(absl::FunctionRef<void(uint64_t index, Entry entry)> fn) const;

  // Erases all entries and reservations of a node of height 1, so that it leaves the tree, and tells `erased` of the
  // entries. The user hears of it as always: he must not hold the lock that he takes then. Nothing in a node above.
  // Afterwards there is nothing left to look at.
  void EraseAll(absl::FunctionRef<void(uint64_t index, Entry entry)> erased) &&;

 private:
  LockedNode(ArrayCore* array, Node* node) : array_(array), node_(node) {}
  void Unlock() const ABSL_NO_THREAD_SAFETY_ANALYSIS;

  ArrayCore* array_;
  Node* node_;
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_LOCKED_NODE_H_
