// SPDX-License-Identifier: Apache-2.0
//
// One kind of user of the caches, in small steps between which it can rest.
//
// Threads: each actor runs on a thread of its own.
#ifndef MXA_TESTS_SLAB_STRESS_ACTOR_H_
#define MXA_TESTS_SLAB_STRESS_ACTOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "slab/cache_options.h"
#include "tests/slab/stress/world.h"
#include "tests/support/random.h"

namespace mxa::slab::stress {

class Actor {
 public:
  using Body = std::function<void(World&, tests::Random&)>;

  // `step` may last some milliseconds and holds nothing at its end. It runs again after `pace`; zero: at once.
  Actor(std::string name, Body step, absl::Duration pace = absl::ZeroDuration())
      : name_(std::move(name)), step_(std::move(step)), pace_(pace) {}

  const std::string& name() const { return name_; }
  // Steps until the world's end.
  void Run(World& world, uint64_t seed) const;

 private:
  std::string name_;
  Body step_;
  absl::Duration pace_;
};

// A die for the flags of an allocation.
AllocFlags AnyFlags(tests::Random& random);

// mutators.cc: who allocates and frees, in every way there is.
void Mutate(World& world, tests::Random& random, size_t operations);
std::vector<Actor> Mutators();
// readers.cc: who looks, under RCU.
std::vector<Actor> Readers();
// keepers.cc: who moves, shrinks, waits and watches.
std::vector<Actor> Keepers();

}  // namespace mxa::slab::stress

#endif  // MXA_TESTS_SLAB_STRESS_ACTOR_H_
