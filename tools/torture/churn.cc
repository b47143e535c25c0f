// SPDX-License-Identifier: Apache-2.0
//
// Threads that come and go: some work for a while and leave objects in their sheaves; bursts of others live for one read
// section and end right behind it.
#include <memory>
#include <thread>
#include <vector>

#include "reclaim/rcu.h"
#include "tools/torture/read_scope.h"
#include "tools/torture/scenarios.h"
#include "tools/torture/thread_lives.h"
#include "tools/torture/threads.h"
#include "tools/torture/world.h"

namespace mxa::torture {
namespace {

constexpr size_t kBurst = 6;

void Join(std::vector<std::thread>& threads) {
  const reclaim::OfflineScope offline;
  for (std::thread& thread : threads) thread.join();
  Count(Figure::kThreads, threads.size());
}

// In a replayed run one thread after the other.
template <typename Body>
void RunThreads(World& world, size_t count, tool::Random& random, Body body) {
  const ThreadLives lives(world);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < count; ++i) {
    threads.emplace_back([&body, seed = random.Next()] {
      const ThreadScope self("short-lived");
      tool::Random own(seed);
      body(own);
    });
    if (world.options().single_threaded) Join(threads), threads.clear();
  }
  Join(threads);
}

void Churn(World& world, tool::Random& random) {
  Population& population = world.population();
  RunThreads(world, 1 + random.Below(2), random, [&](tool::Random& own) {
    SeenVersions seen(population.places());
    for (uint64_t left = own.Below(300); left > 0 && !world.ended(); --left) {
      const size_t place = own.Below(population.places());
      own.OneIn(2) ? population.Write(place, own) : population.Read(place, seen, own);
    }
  });
}

void Burst(World& world, tool::Random& random) {
  Population& population = world.population();
  RunThreads(world, kBurst, random, [&](tool::Random& own) {
    const size_t place = own.Below(population.places());
    const uint32_t id = population.ledger().array_of(place);
    const uint64_t index = population.ledger().entry(place).index();
    ReadScope section;
    const Element* element = population.array(id).Load(index);
    section.Hold(own);
    if (element != nullptr) world.elements().Check(*element, id, index);
  });
  Count(Figure::kBursts);
}

class ThreadChurn final : public Scenario {
 public:
  std::vector<ActorSpec> Actors(World&) override {
    return {StatelessActor("churner", &Churn, absl::Milliseconds(5)),
            StatelessActor("burster", &Burst, absl::Milliseconds(10))};
  }
  std::vector<Minimum> Minima() const override { return {{Figure::kThreads, 2}, {Figure::kBursts, 0.5}}; }
};

}  // namespace

std::unique_ptr<Scenario> MakeChurn(World&) { return std::make_unique<ThreadChurn>(); }

}  // namespace mxa::torture
