// SPDX-License-Identifier: Apache-2.0
#include "tests/slab/stress/actor.h"

#include "tests/slab/stress/referee.h"

namespace mxa::slab::stress {

void Actor::Run(World& world, uint64_t seed) const {
  BecomeActor(name_.c_str());
  tests::Random random(seed);
  while (!world.done().load()) {
    step_(world, random);
    world.gate().Checkpoint(pace_);
  }
  world.gate().Leave();
}

AllocFlags AnyFlags(tests::Random& random) {
  switch (random.Below(16)) {
    case 0:
      return AllocFlags::kMayReclaim;
    case 1:
      return AllocFlags::kNoNewSlab;
    case 2:
      return AllocFlags::kNoNewSlab | AllocFlags::kMayReclaim;
    default:
      return AllocFlags::kNone;
  }
}

}  // namespace mxa::slab::stress
