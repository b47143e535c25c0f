// SPDX-License-Identifier: Apache-2.0
//
// Moves values of live maps while readers go on: the Movable of a value cache.
//
// Threads: as OneByOne; AwaitUnpinned by anybody. The protocol and the tests that break without each step:
// xarray/README.md.
#ifndef MXA_XARRAY_VALUE_MOVER_H_
#define MXA_XARRAY_VALUE_MOVER_H_

#include "reclaim/movable.h"
#include "reclaim/one_by_one.h"
#include "reclaim/owner_pin.h"

namespace mxa::xarray {

class MovableMapCore;

class ValueMover final : public reclaim::OneByOne {
 public:
  // Waits until this mover does not touch `map`, none of whose values names it any more.
  // Context: as reclaim::OwnerPin::AwaitUnpinned.
  void AwaitUnpinned(const MovableMapCore* map) { pin_.AwaitUnpinned(map); }

  bool IsPinnedForTest(const MovableMapCore* map) const { return pin_.IsPinned(map); }

 private:
  bool MayMove(const void* object) override;
  reclaim::MoveResult Move(void* object, void* destination) override;
  void Prefetch(const void* object) override;

  reclaim::OwnerPin pin_;
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_VALUE_MOVER_H_
