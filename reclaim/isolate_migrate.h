// SPDX-License-Identifier: Apache-2.0
//
// The two phases as a pair of callbacks with a private pointer between them: isolate, then migrate.
//
//   mxa::reclaim::IsolateMigrate mobility(&IsolateDentries, &MigrateDentries, &dentries);
//   options.movable = &mobility;   // one cache's, given when that is made
//
// After Harding and Lameter (2019), whose callbacks took the slab's node as well; here the target says where the objects
// go. It is `Movable` in other clothes, clause by clause:
//   isolate(context, objects)           CanFree, under its rules: the slab is frozen, its cache's lists are locked.
//     entries set to null               those objects stay; migrate is shown the rest.
//     null                              the slab is to be left alone. Nothing has been pinned, migrate is not called, and
//                                       entries set to null meanwhile mean nothing.
//     NothingPinned()                   go on; there is nothing for migrate to be told.
//     anything else                     go on; migrate gets this pointer, whose target is the callbacks' to free.
//   migrate(context, objects, target, private_data)
//                                       Reclaim, under its rules: no lock is held. Called exactly once after an answer
//                                       that is not null, on the same thread, before isolate is called again.
//     each entry that is not null       is settled exactly once (MoveTarget::Settle).
//     on cancel                         target.unpin_only(): nothing is moved any more; unpin, and settle as kBusy. It may
//                                       become true in the middle.
//     no destination left               settle as kBusy.
// Invariants:
//   G1  a private pointer is held between an isolate that answered and its migrate, and at no other time.
// Threads: as Movable: one pass over a cache at a time. One adapter for one cache.    (CHECKed)
// Why the callbacks cannot be changed: a pass may be between the two.
#ifndef MXA_RECLAIM_ISOLATE_MIGRATE_H_
#define MXA_RECLAIM_ISOLATE_MIGRATE_H_

#include <atomic>

#include "absl/types/span.h"
#include "reclaim/movable.h"

namespace mxa::reclaim {

using IsolateCallback = void* (*)(void* context, absl::Span<void*> objects);
using MigrateCallback = void (*)(void* context, absl::Span<void* const> objects, MoveTarget& target,
                                 void* private_data);

// What isolate returns to say "go on" when it has nothing to hand to migrate, which is handed it all the same.
inline void* NothingPinned() {
  static char place;
  return &place;
}

class IsolateMigrate final : public Movable {
 public:
  // `context` is handed to both. REQUIRES: neither callback is null.    (CHECKed)
  IsolateMigrate(IsolateCallback isolate, MigrateCallback migrate, void* context = nullptr);
  // REQUIRES: no migrate is due.    (CHECKed)
  ~IsolateMigrate() override;

  bool CanFree(absl::Span<void*> objects) override;
  void Reclaim(absl::Span<void*> objects, MoveTarget& target) override;

 private:
  const IsolateCallback isolate_;
  const MigrateCallback migrate_;
  void* const context_;
  std::atomic<void*> private_data_{nullptr};  // G1
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_ISOLATE_MIGRATE_H_
