// SPDX-License-Identifier: Apache-2.0
//
// A Movable for objects that move one at a time: what every such owner's two phases have in common.
//
//   class DentryMover final : public mxa::reclaim::OneByOne {
//     bool MayMove(const void* object) override { return owner of *object != nullptr; }
//     MoveResult Move(void* object, void* destination) override { ... }
//   };
//
// Phase 1 keeps the objects that MayMove says yes for. Phase 2 moves each, and tries those that were busy once more at
// the end; on cancel, and when the destinations run out, what is left stays where it is.
// Threads: as Movable: one pass at a time.
#ifndef MXA_RECLAIM_ONE_BY_ONE_H_
#define MXA_RECLAIM_ONE_BY_ONE_H_

#include "absl/types/span.h"
#include "reclaim/movable.h"

namespace mxa::reclaim {

class OneByOne : public Movable {
 public:
  bool CanFree(absl::Span<void*> objects) final;
  void Reclaim(absl::Span<void*> objects, MoveTarget& target) final;

 private:
  // Whether phase 2 is to try `object`, which may be in any state that an allocated object can be in.
  // Context: as CanFree.
  virtual bool MayMove(const void* object) = 0;

  // Moves `object` to `destination`, or says why not; then the destination is in its constructed state. May be called a
  // second time for an object that was kBusy.
  // Context: as Reclaim.
  virtual MoveResult Move(void* object, void* destination) = 0;

  // Asks the processor for what Move will touch of `object`, some moves ahead.
  virtual void Prefetch(const void* object) { __builtin_prefetch(object, 1, 3); }
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_ONE_BY_ONE_H_
