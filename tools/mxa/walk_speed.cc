// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/walk_speed.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "reclaim/rcu.h"
#include "tools/mxa/clock.h"
#include "tools/mxa/random.h"

namespace mxa::tool {
namespace {

constexpr int kRounds = 3;
constexpr size_t kLoads = 1'000'000;

// What was read, so that reading it is not left out.
volatile uint64_t sink;

// Nanoseconds for each of `count` steps, at the fastest.
template <typename Work>
double FastestNs(size_t count, const Work& work) {
  if (count == 0) return 0;
  uint64_t fastest = ~uint64_t{0};
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t begun_ns = NowNs();
    sink = work();
    fastest = std::min(fastest, NowNs() - begun_ns);
  }
  return static_cast<double>(fastest) / static_cast<double>(count);
}

uint64_t WalkAll(const Population& population) {
  uint64_t sum = 0;
  for (uint32_t id = 0; id < population.arrays(); ++id) {
    reclaim::ReadSection section;
    XArrayCursor<Element> cursor(population.array(id), 0);
    while (const Element* element = cursor.Next()) sum += reinterpret_cast<uintptr_t>(element);
  }
  return sum;
}

}  // namespace

WalkSpeed MeasureWalkSpeed(const Population& population, uint64_t seed) {
  const Ledger& ledger = population.ledger();
  std::vector<Place> asked;
  Random random(seed);
  for (size_t i = 0; ledger.size() != 0 && i < std::min(kLoads, 4 * ledger.size()); ++i) {
    const size_t entry = random.Below(ledger.size());
    asked.push_back({ledger.array_of(entry), ledger.entry(entry).index()});
  }
  WalkSpeed speed;
  speed.walk_ns = FastestNs(ledger.size(), [&] { return WalkAll(population); });
  speed.load_ns = FastestNs(asked.size(), [&] {
    uint64_t sum = 0;
    for (const Place& place : asked) {
      reclaim::ReadSection section;
      sum += reinterpret_cast<uintptr_t>(population.array(place.array).Load(place.index));
    }
    return sum;
  });
  return speed;
}

}  // namespace mxa::tool
