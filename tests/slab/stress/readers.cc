// SPDX-License-Identifier: Apache-2.0
//
// Readers hold probes for a while, and find them as they were, whatever became of them meanwhile.
#include <sched.h>

#include "absl/strings/str_format.h"
#include "reclaim/rcu.h"
#include "tests/slab/stress/actor.h"
#include "tests/slab/stress/referee.h"

namespace mxa::slab::stress {

using tests::Random;

namespace {

struct Held {
  const Probe* probe;
  uint64_t serial;
  size_t slot;
};

// The probe as it was when the section found it: nothing but its state may have changed, and not to that of one that is
// free.
void CheckHeld(const Population& population, const Held& held) {
  const uint64_t state = held.probe->state.load();
  if (held.probe->serial != held.serial || !held.probe->Verify(population.object_size()) || state == Probe::kFree ||
      state == Probe::kWreck) {
    Violation(absl::StrFormat("%s: probe %p of slot %d, held by a reader, changed: state %x", population.name(),
                              static_cast<const void*>(held.probe), held.slot, state));
  }
}

void Read(World& world, Random& random, size_t most_yields) {
  const Population& population = world.AnyPopulation(random);
  std::vector<Held> all;
  all.reserve(64);
  const reclaim::ReadSection section;
  for (int i = 0; i < 64; ++i) {
    const size_t slot = random.Below(population.read_slots());
    const Probe* probe = population.Peek(slot);
    if (probe == nullptr) continue;
    // Relaxed: the slot's acquire orders the number; a probe never changes its slot.
    if (!probe->Verify(population.object_size()) || probe->slot.load(std::memory_order_relaxed) != slot) {
      Violation(absl::StrFormat("%s: a reader found a damaged probe in slot %d", population.name(), slot));
      continue;
    }
    all.push_back({probe, probe->serial, slot});
  }
  // Long enough for a grace period that does not wait for this section to go by.
  for (uint64_t i = random.Below(most_yields); i > 0; --i) sched_yield();
  for (const Held& held : all) {
    CheckHeld(population, held);
    if (population.Peek(held.slot) != held.probe) Count(Op::kOutlived, 1);
  }
  Count(Op::kRead, all.size());
}

}  // namespace

std::vector<Actor> Readers() {
  return {{"short reader", [](World& world, Random& random) { Read(world, random, 4); }},
          {"long reader", [](World& world, Random& random) { Read(world, random, 200); }, absl::Microseconds(100)},
          {"inspector",
           [](World& world, Random& random) {
             Population& population = world.AnyPopulation(random);
             for (int i = 0; i < 100; ++i) population.Inspect(random.Below(population.slots()));
           },
           absl::Milliseconds(1)}};
}

}  // namespace mxa::slab::stress
