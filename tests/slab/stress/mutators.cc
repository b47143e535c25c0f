// SPDX-License-Identifier: Apache-2.0
#include <sched.h>

#include <thread>

#include "absl/strings/str_format.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "tests/slab/stress/actor.h"
#include "tests/slab/stress/referee.h"

namespace mxa::slab::stress {

using tests::Random;

// In phases, so that populations grow and become sparse.
void Mutate(World& world, Random& random, size_t operations) {
  Population& population = world.AnyPopulation(random);
  const uint64_t filling = random.Below(100);
  for (size_t i = 0; i < operations; ++i) {
    const size_t slot = random.Below(population.slots());
    switch (random.Below(32)) {
      case 0: {
        const reclaim::ReadSection section;
        population.Create(slot, AnyFlags(random));
        population.Remove(random.Below(population.slots()), random.OneIn(2));
        break;
      }
      case 1: {
        const reclaim::ArrayLockScope scope;  // as under an array's lock: no waiting
        population.Create(slot, AnyFlags(random));
        population.Remove(random.Below(population.slots()), random.OneIn(2));
        break;
      }
      default:
        if (random.Below(100) < filling) {
          population.Create(slot, AnyFlags(random));
        } else {
          population.Remove(slot, random.OneIn(2));
        }
    }
  }
}

namespace {

// Fills a stretch and retires all of it.
void FloodRcu(World& world, Random& random) {
  Population& population = world.AnyPopulation(random);
  const size_t first = random.Below(population.slots());
  const size_t count = std::min<size_t>(1 + random.Below(400), population.slots() - first);
  for (size_t i = first; i < first + count; ++i) population.Create(i, AllocFlags::kNone);
  for (size_t i = first; i < first + count; ++i) population.Remove(i, /*rcu=*/true);
}

void Bulk(World& world, Random& random) {
  Population& population = world.AnyPopulation(random);
  const size_t count = 1 + random.Below(random.OneIn(4) ? 300 : 20);
  if (random.OneIn(2)) {
    population.CreateBulk(random.Below(population.slots()), count, AnyFlags(random));
  } else {
    population.RemoveBulk(random.Below(population.slots()), count);
  }
}

void Prefill(World& world, Random& random) {
  Population& population = world.AnyPopulation(random);
  const size_t count = 1 + random.Below(random.OneIn(8) ? 150 : 12);
  population.CreatePrefilled(random.Below(population.slots()), count, AnyFlags(random));
  population.RemoveBulk(random.Below(population.slots()), count);
}

void Send(World& world, Random& random) {
  for (int i = 0; i < 50; ++i) {
    Population& population = world.AnyPopulation(random);
    Probe* probe = population.Make(AnyFlags(random));
    if (probe == nullptr) continue;
    if (world.mailbox().Put({&population, probe})) {
      Did(Op::kSend, population.name(), probe);
    } else {
      population.Discard(probe);
      sched_yield();
    }
  }
}

void Receive(World& world, Random& random) {
  for (int i = 0; i < 50; ++i) {
    const std::optional<Mailbox::Letter> letter = world.mailbox().Take(random.Next());
    if (!letter.has_value()) {
      sched_yield();
      return;
    }
    auto [population, probe] = *letter;
    Did(Op::kReceive, population->name(), probe);
    if (!population->IsIntact(*probe)) {
      Violation(absl::StrFormat("%s: a probe was damaged on its way between threads", population->name()));
    }
    if (random.OneIn(2)) {
      population->Discard(probe);
    } else {
      population->DiscardRcu(probe);
    }
  }
}

// Takes what must not fail where there is hardly any memory, now and then more than the slabs there are have free, and gives
// most of it back.
void UseReserve(World& world, Random& random) {
  Population& population = world.tight();
  std::vector<Probe*> probes;
  for (uint64_t i = random.Below(random.OneIn(16) ? 1'000 : 40); i > 0; --i) {
    Probe* probe = population.MakeCritical(world.pool(), absl::Milliseconds(random.Below(2)));
    if (probe != nullptr) probes.push_back(probe);
  }
  for (Probe* probe : probes) {
    if (random.OneIn(4) && population.Publish(probe, random.Below(population.slots()))) continue;
    if (random.OneIn(2)) {
      population.Discard(probe);
    } else {
      population.DiscardRcu(probe);
    }
  }
}

// Threads that live for some hundred operations and leave part-filled sheaves.
void Churn(World& world, Random& random) {
  const size_t count = 1 + random.Below(3);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < count; ++i) {
    threads.emplace_back([&world, seed = random.Next()] {
      BecomeActor("short-lived");
      Random own(seed);
      test::FakeTopology::RunOn(static_cast<int>(own.Below(3)));
      for (int j = 0; j < 4; ++j) Mutate(world, own, 20 + own.Below(80));
      Receive(world, own);
    });
    Did(Op::kThread, "");
  }
  const reclaim::OfflineScope offline;
  for (std::thread& thread : threads) thread.join();
}

// Has something in its sheaves, and then nothing to do until the next audit but one.
void Idle(World& world, Random& random) {
  for (int i = 0; i < 4; ++i) Mutate(world, random, 50);
  Did(Op::kIdle, "");
  world.gate().AwaitPause();
}

}  // namespace

std::vector<Actor> Mutators() {
  const auto mutate = [](World& world, Random& random) {
    test::FakeTopology::RunOn(static_cast<int>(random.Below(3)));
    Mutate(world, random, 100);
  };
  return {{"mutator 1", mutate},
          {"mutator 2", mutate},
          {"flooder", &FloodRcu, absl::Milliseconds(1)},
          {"bulk user", &Bulk},
          {"prefiller", &Prefill},
          {"producer", &Send},
          {"consumer", &Receive},
          {"churner", &Churn, absl::Milliseconds(1)},
          {"critical user", &UseReserve, absl::Milliseconds(1)},
          {"idler", &Idle}};
}

}  // namespace mxa::slab::stress
