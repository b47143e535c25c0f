// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "absl/strings/str_format.h"
#include "reclaim/rcu.h"
#include "slab/cache_registry.h"
#include "slab/housekeeper.h"
#include "tests/slab/stress/actor.h"
#include "tests/slab/stress/referee.h"

namespace mxa::slab::stress {

using tests::Random;

namespace {

void Compact(World& world, Random& random) {
  Population& population = world.AnyMovable(random);
  const int nodes = static_cast<int>(population.cache().arena().topology().nodes());
  CompactOptions options;
  options.mode = static_cast<CompactOptions::Mode>(random.Below(4));
  options.batch_objects = 50 + random.Below(random.OneIn(2) ? 200 : 4000);
  options.slice_ns = random.OneIn(4) ? 1000 : 1'000'000;
  if (options.mode == CompactOptions::Mode::kMoveToNode) {
    options.to_node = static_cast<int>(random.Below(static_cast<uint64_t>(nodes)));
  }
  if (random.OneIn(4)) options.cancel = &world.cancel();
  world.cancel().store(false);
  Did(Op::kPass, population.name(), nullptr, static_cast<uint64_t>(options.mode));
  const absl::StatusOr<CompactStats> stats = population.cache().Compact(options);
  if (absl::IsUnavailable(stats.status())) {
    Count(Op::kPassRefused, 1);
  } else if (!stats.ok()) {
    Violation(absl::StrFormat("%s: %s", population.name(), std::string(stats.status().message())));
  } else if (options.cancel != nullptr && options.cancel->load()) {
    Count(Op::kPassCancelled, 1);
  }
}

void Shrink(World& world, Random& random) {
  Population& population = world.AnyPopulation(random);
  if (random.OneIn(2)) {
    Did(Op::kShrink, population.name());
    population.cache().Shrink();
  } else {
    population.ProveBarrier(random.Below(100));
  }
}

void Look(World& world, Random& random) {
  Population& population = world.AnyPopulation(random);
  Did(Op::kLook, population.name());
  const CacheStats stats = population.cache().Stats();
  if (stats.slabs_released > stats.slabs_created) Violation("more slabs released than created");
  for (const SlabView& view : population.cache().Slabs()) {
    if (view.live > view.capacity) Violation("a slab has more live objects than places");
  }
  if (random.OneIn(8)) {
    ForEachCache([](Cache& cache) { static_cast<void>(cache.Stats()); });
  }
  if (random.OneIn(8)) world.cancel().store(true);
}

void Housekeep(World&, Random& random) {
  Did(Op::kRound, "");
  // Somewhat ahead of time: some threads seem idle, all seem to have waited.
  Housekeeper::RunOnce(Housekeeper::Now() + static_cast<int64_t>(random.Below(200)));
}

// Caches come and go beside the others, used by two threads, one of which has ended before the cache does.
void MakeCache(World& world, Random& random) {
  Did(Op::kCache, "brief");
  const std::unique_ptr<Cache> cache =
      Cache::Create({.name = "brief", .object_size = 8 + 8 * random.Below(300), .arena = &world.AnyArena(random)})
          .value();
  const auto use = [&cache](Random& own) {
    std::vector<void*> objects;
    for (uint64_t i = own.Below(300); i > 0; --i) {
      if (void* object = cache->Allocate()) objects.push_back(object);
    }
    for (void* object : objects) {
      if (own.OneIn(2)) {
        cache->Free(object);
      } else {
        cache->FreeRcu(object);
      }
    }
  };
  std::thread other([&use, seed = random.Next()] {
    BecomeActor("brief user");
    Random own(seed);
    use(own);
  });
  use(random);
  const reclaim::OfflineScope offline;
  other.join();
}

void UsePool(World& world, Random& random) {
  PagePool& pool = world.pool();
  Did(Op::kPool, pool.name().c_str());
  const size_t units = size_t{1} << random.Below(3);
  switch (random.Below(6)) {
    case 0:
      static_cast<void>(pool.Refill());  // a shortage is no wonder here
      break;
    case 1:
      static_cast<void>(pool.Resize(4 * random.Below(5)));
      break;
    default: {
      Slab* run = random.OneIn(2) ? pool.Take(units) : pool.TakeWaiting(units, absl::Milliseconds(random.Below(3)));
      if (run == nullptr) break;
      for (size_t i = 0; i < units * kUnitSize; i += 4096) {
        if (run->objects[i] != 0) Violation("a page pool lends units that are not zero");
        run->objects[i] = 1;
      }
      pool.Put(run);
    }
  }
}

void ChangeHandlers(World& world, Random& random) {
  Did(Op::kHandler, "");
  if (random.OneIn(2)) {
    world.chain().Unregister(world.vetoer());
    world.chain().Register(world.vetoer(), random.OneIn(2) ? 0 : -20);
  } else {
    world.chain().Unregister(world.vetoer());
  }
}

void ArmFaults(World& world, Random& random) {
  Did(Op::kArm, "");
  if (random.OneIn(2)) {
    world.allocation_faults().Disarm();
  } else {
    world.allocation_faults().Arm({.probability = static_cast<double>(random.Below(10)), .seed = random.Next()});
  }
  if (random.OneIn(3)) {
    world.page_faults().Disarm();
  } else if (random.OneIn(4)) {
    world.page_faults().Arm({});  // none at all: what must not fail takes from the reserve
  } else {
    world.page_faults().Arm(
        {.interval = 1 + random.Below(3), .probability = static_cast<double>(random.Below(30)), .seed = random.Next()});
  }
}

}  // namespace

std::vector<Actor> Keepers() {
  return {{"compactor 1", &Compact, absl::Milliseconds(1)},
          {"compactor 2", &Compact, absl::Milliseconds(5)},
          {"shrinker", &Shrink, absl::Milliseconds(10)},
          {"watcher", &Look, absl::Milliseconds(3)},
          {"housekeeper", &Housekeep, absl::Milliseconds(5)},
          {"cache maker", &MakeCache, absl::Milliseconds(10)},
          {"pool user", &UsePool, absl::Milliseconds(1)},
          {"handler of handlers", &ChangeHandlers, absl::Milliseconds(20)},
          {"fault armer", &ArmFaults, absl::Milliseconds(20)}};
}

}  // namespace mxa::slab::stress
