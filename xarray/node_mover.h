// SPDX-License-Identifier: Apache-2.0
//
// Moves nodes of live arrays while readers go on: the Movable of the node cache.
//
// Invariants:
//   M1  what is touched of an array is touched while it is pinned (reclaim/owner_pin.h); a pin may stay from node to node,
//       and ends before a rest and with the slab.
//   M2  an array lock taken here is released before the array is unpinned.
//   M3  the mover only tries array locks.
// Threads: CanFree and Reclaim by one pass at a time (passes over one cache never overlap); AwaitUnpinned and the
// statistics by anybody. The protocol, its orderings and the tests that break without each of them: xarray/README.md.
#ifndef MXA_XARRAY_NODE_MOVER_H_
#define MXA_XARRAY_NODE_MOVER_H_

#include <atomic>
#include <cstdint>

#include "absl/types/span.h"
#include "base/cycle_clock.h"
#include "reclaim/movable.h"
#include "reclaim/owner_pin.h"
#include "xarray/anchor.h"
#include "xarray/node.h"
#include "xarray/node_user.h"

namespace mxa::xarray {

class NodeMover final : public reclaim::Movable {
 public:
  explicit NodeMover(NodeUse use = {}) : use_(use) {}

  bool CanFree(absl::Span<void*> objects) override;
  void Reclaim(absl::Span<void*> objects, reclaim::MoveTarget& target) override;
  // Nodes of one array by their first index, each before those below it: the order of a walk.
  bool Order(absl::Span<void* const> objects, absl::Span<reclaim::OrderKey> keys) override;

  // Waits until this mover does not hold `anchor` pinned. The caller has retired all its nodes, so that the mover may
  // publish the pin once more but will not touch the array again.
  //
  // Context: no array lock; waits at most for the move of one node, and for a look at what is left of its slab, as long as
  // the mover's thread runs.
  void AwaitUnpinned(const ArrayAnchor* anchor) { pin_.AwaitUnpinned(anchor); }

  // Longest time an array lock was held for a move since the last reset, preemptions included. At most: what is timed is from
  // before the lock until the next node is looked at, which is a reading of the clock a node rather than two.
  uint64_t LongestLockNs() const;
  void ResetLongestLock();

  const NodeUse& use() const { return use_; }

  bool IsPinnedForTest(const ArrayAnchor* anchor) const { return pin_.IsPinned(anchor); }

 private:
  reclaim::MoveResult Move(Node* node, Node* destination);
  reclaim::MoveResult MovePinned(ArrayAnchor* anchor, Node* node, Node* destination);
  bool MoveLocked(ArrayAnchor* anchor, Node* node, Node* destination) ABSL_EXCLUSIVE_LOCKS_REQUIRED(anchor);
  bool UserLetsMove(Node* node, Node* copy) const;

  void BetweenNodes(reclaim::MoveTarget& target);
  void StartTimer() { timed_from_ = CycleClock::Now(); }
  // Counts what it timed, if an array was locked meanwhile.
  void StopTimer(uint64_t now);
  void Pin(const ArrayAnchor* anchor);
  void Unpin();

  reclaim::OwnerPin pin_;
  const ArrayAnchor* pinned_ = nullptr;    // what pin_ says, for the pass's own thread
  uint64_t timed_from_ = 0;                // cycles
  bool has_locked_ = false;                // since then
  std::atomic<uint64_t> longest_lock_{0};  // cycles
  const NodeUse use_;
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_NODE_MOVER_H_
