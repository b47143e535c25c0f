// SPDX-License-Identifier: Apache-2.0
//
// Keeps the owner of an object that is being moved from ending meanwhile: one hazard slot, and who waits for it.
//
// The mover of a cache has one OwnerPin. An object names its owner in an atomic word, and says so when it has none any
// more. The two sides:
//
//   mover, for each object                          owner's destructor
//   1 owner = object->owner                         1 takes the owner out of the word of each of its objects
//   2 pin.Pin(owner)                                2 pin.AwaitUnpinned(this)
//   3 object->owner again: another? Unpin, leave    3 its memory may go
//   4 *try* the owner's lock, work, unlock
//   5 pin.Unpin()
//
// A pin may stay for the next object if it is of the same owner: its word, read behind the pin, is step 3's look.
// Either the mover sees in step 3 that the object has left, or the destructor sees the pin and waits for step 5.
// Invariants:
//   P1  between Pin and Unpin the slot holds the owner that the mover may touch; at all other times it is null.
//   P2  AwaitUnpinned waits for its own owner alone: one that never lets the mover go holds up nobody else's end.
// Threads: Pin and Unpin by one thread at a time (passes over one cache never overlap); the others by anybody.
// Why not a count in the owner: the mover would have to touch the owner to keep it alive. Why no mutex to wait with: a fork
// in the middle would leave it locked in the child.
#ifndef MXA_RECLAIM_OWNER_PIN_H_
#define MXA_RECLAIM_OWNER_PIN_H_

#include <atomic>

namespace mxa::reclaim {

class OwnerPin {
 public:
  OwnerPin() = default;
  OwnerPin(const OwnerPin&) = delete;
  OwnerPin& operator=(const OwnerPin&) = delete;

  // Says that `owner` is about to be touched. It may be only if it is the object's owner still: look after this call.
  // Context: as Movable::Reclaim. REQUIRES: nothing is pinned.
  void Pin(const void* owner);
  // Context: every lock of the owner's is released. Never blocks.
  void Unpin();

  // Waits until `owner` is not pinned. The caller has seen to it that no object names `owner` as its own any more, so
  // that the mover may pin it once more but will not touch it.
  // Context: none of the owner's locks held; waits for the move of one object of `owner`, and for a look at the next ones if
  // the mover keeps its pin for those.
  void AwaitUnpinned(const void* owner);

  bool IsPinned(const void* owner) const { return Pinned() == owner; }

 private:
  const void* Pinned() const;

  alignas(64) std::atomic<const void*> pinned_{nullptr};
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_OWNER_PIN_H_
