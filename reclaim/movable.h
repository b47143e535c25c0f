// SPDX-License-Identifier: Apache-2.0
//
// The contract between a slab cache that wants memory back and the owner of the objects in it: two phases, can-free and
// reclaim.
//
// After Wilcox and Lameter (2017): first, under the slab's lock, the owner says whether the objects could go and pins
// them; then, with no lock held, it moves or frees them. Phase one may not take the owner's locks, phase two may.
//
// What CanFree does for an object, by its state:
//   allocated, its owner does not know it yet    -> set the entry to null: it is busy now
//   in use                                       -> keep the entry; pin what phase two needs, or let phase two pin
//   retired                                      -> set the entry to null: only its grace period is needed
// What Reclaim does for every entry that is not null: Settle() it exactly once, as moved or with the reason why not.
// The two calls for one slab are made by one thread, one slab at a time; passes over one cache never overlap.
#ifndef MXA_RECLAIM_MOVABLE_H_
#define MXA_RECLAIM_MOVABLE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "base/check.h"

namespace mxa::reclaim {

// How the move of one object ended.
enum class MoveResult : uint8_t {
  kMoved,   // the destination is published, the old copy is unlinked and waits for a grace period
  kBusy,    // its owner's lock was held, or its owner does not know it yet: worth another try
  kPinned,  // its owner said no
  kGone,    // freed or retired meanwhile: only a grace period is needed
};
inline constexpr size_t kMoveResults = 4;

// Lets others run when the pass has worked long enough.
class Pacer {
 public:
  virtual ~Pacer() = default;
  // Whether Offer would let others run at `now`, a reading of CycleClock just taken.
  virtual bool IsDue(uint64_t now) const = 0;
  // May yield or sleep. Context: no lock held, no read section.
  virtual void Offer() = 0;
};

// Where a pass wants one slab's objects to go, and where it hears what became of them.
//
// Threads: used by the thread that runs Reclaim, during that call.
class MoveTarget {
 public:
  // `destinations` are constructed, resident, and lie in no victim. Once `*cancel` is true, nothing more is moved;
  // null: never.
  explicit MoveTarget(absl::Span<void* const> destinations, const std::atomic<bool>* cancel = nullptr,
                      Pacer* pacer = nullptr)
      : destinations_(destinations), cancel_(cancel), pacer_(pacer) {
    moved_.reserve(destinations.size());
    taken_.reserve(destinations.size());
  }
  // Of a pass that puts things in order: destinations[i] is for objects[i]; null: there is none.
  MoveTarget(absl::Span<void* const> objects, absl::Span<void* const> destinations, const std::atomic<bool>* cancel,
             Pacer* pacer)
      : MoveTarget(destinations, cancel, pacer) {
    objects_ = objects;
  }
  MoveTarget(const MoveTarget&) = delete;
  MoveTarget& operator=(const MoveTarget&) = delete;

  // The pass was cancelled: settle what is left as kBusy and keep it where it is. Relaxed: a request, not a message.
  bool unpin_only() const { return cancel_ != nullptr && cancel_->load(std::memory_order_relaxed); }

  // To be called before each object, with no lock held: the pass may end its slice of time here.
  void BetweenObjects() {
    if (pacer_ != nullptr) pacer_->Offer();
  }

  // Whether BetweenObjects would end the slice now: asked by a Movable that holds something from object to object, and lets go
  // of it first. `now` is a reading of CycleClock just taken, which such a Movable may have another use for.
  bool IsSliceOver(uint64_t now) const { return pacer_ != nullptr && pacer_->IsDue(now); }

  // The place the next object moves to, or with `ahead` one after it, for prefetching; null when there is none.
  void* destination(size_t ahead = 0) const {
    return next_ + ahead < destinations_.size() ? destinations_[next_ + ahead] : nullptr;
  }

  // The place `object` moves to, which is destination() unless the pass puts things in order. A Movable that has an
  // order (Movable::Order) asks by this. Cheap when asked in the order of the objects that Reclaim was given.
  void* destination_for(const void* object) {
    if (!objects_.empty()) {
      for (size_t i = 0; objects_[next_] != object; ++i) {
        MXA_CHECK(i < objects_.size(), "a destination for an object that is not of this slab");
        next_ = next_ + 1 == objects_.size() ? 0 : next_ + 1;
      }
    }
    return destination();
  }

  // Says what became of `object`. With kMoved it now lives at destination(), which is thereby used up.
  void Settle(void* object, MoveResult result) {
    ++results_[static_cast<size_t>(result)];
    if (result != MoveResult::kMoved) return;
    void* destination = destination_for(object);
    MXA_CHECK(destination != nullptr, "moved without a destination");
    moved_.push_back(object);
    taken_.push_back(destination);
    if (objects_.empty()) ++next_;
  }

  // For the pass: the objects that left their places, where each went, and counts by result.
  const std::vector<void*>& moved() const { return moved_; }
  const std::vector<void*>& taken() const { return taken_; }
  const std::array<size_t, kMoveResults>& results() const { return results_; }

 private:
  absl::Span<void* const> objects_;  // empty: destinations are for whichever object comes next
  absl::Span<void* const> destinations_;
  size_t next_ = 0;
  const std::atomic<bool>* const cancel_;
  Pacer* const pacer_;
  std::array<size_t, kMoveResults> results_{};
  std::vector<void*> moved_;
  std::vector<void*> taken_;
};

// Where an object would best lie: beside the one of the same group with the next lower position.
struct OrderKey {
  const void* group = nullptr;  // null: nowhere in particular
  uint64_t position = 0;
  uint32_t minor = 0;  // among objects of one position

  friend bool operator<(const OrderKey& a, const OrderKey& b) {
    return std::tie(a.group, a.position, a.minor) < std::tie(b.group, b.position, b.minor);
  }
};

// Implemented by the owner of a movable cache's objects; see the head of this file for what each phase owes.
class Movable {
 public:
  virtual ~Movable() = default;

  // Phase 1. May the objects of this slab go? Entries may be set to null: those stay.
  //
  // False: leave the slab alone; nothing has been pinned.
  // Context: the cache's slab lists are locked and the slab is frozen. Look and pin only: no array lock, no allocation,
  // no call into the cache (CHECKed); time bounded by the number of objects, at most one slab's.
  virtual bool CanFree(absl::Span<void*> objects) = 0;

  // Phase 2. Moves or frees the objects that phase 1 kept; null entries are to be skipped. Called exactly once after a
  // true answer.
  //
  // Context: no locks held; reclaim is forbidden (context.h); never waits for an owner's lock, only tries.
  virtual void Reclaim(absl::Span<void*> objects, MoveTarget& target) = 0;

  // Says where each of `objects` would best lie, into as many `keys`; false when it does not matter. What is said need not
  // be true any more when they move.
  //
  // Context: the slab lists are locked; objects may be free, in use or retired, and come and go meanwhile. Looks only.
  virtual bool Order(absl::Span<void* const> objects, absl::Span<OrderKey> keys) {
    static_cast<void>(objects);
    static_cast<void>(keys);
    return false;
  }
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_MOVABLE_H_
