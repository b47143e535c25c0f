// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/world.h"

#include <string>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "reclaim/rcu.h"
#include "slab/cache_registry.h"
#include "tools/torture/shape.h"
#include "tools/torture/threads.h"

namespace mxa::torture {

World::World(const Options& options, Errors& errors) : options_(options), errors_(errors), random_(options.seed) {
  arena_ = slab::Arena::Create({.reserve_bytes = size_t{1} << 30, .faults = &page_faults_}).value();
  nodes_ = xarray::NodeCache::Create(arena_.get()).value();
  elements_ = std::make_unique<ElementPool>(*arena_, errors_);
  population_ = std::make_unique<Population>(IndicesOf(options_.shape), *nodes_, *elements_, errors_, random_);
}

World::~World() = default;

void World::TakeDown() {
  page_faults_.Disarm();
  population_.reset();
  elements_->Audit(/*live=*/0);
  elements_.reset();
  nodes_.reset();
  if (arena_->units_held() != 0) {
    errors_.Report(Error::kLeak, absl::StrFormat("%d units of the arena did not come back", arena_->units_held()));
  }
}

void World::NoteLatency(double seconds) {
  const auto us = static_cast<uint64_t>(seconds * 1e6);
  uint64_t longest = longest_latency_us_.load(std::memory_order_relaxed);
  while (us > longest && !longest_latency_us_.compare_exchange_weak(longest, us, std::memory_order_relaxed)) continue;
  if (seconds <= options_.stall_seconds / 2) return;
  errors_.Report(Error::kBacklog, absl::StrFormat("a grace period took %.1f s", seconds));
}

uint64_t World::LiveInPopulation() {
  uint64_t live = 0;
  for (size_t place = 0; place < population_->places(); ++place) {
    if (tool::IsPresent(population_->ledger().entry(place).Committed())) ++live;
  }
  return live;
}

void World::BeginAudit() {
  page_faults_.Disarm();
  elements_->AwaitRetired();
  nodes_->slabs().FreeRcuBarrier();
  live_elsewhere_ = 0;
  population_->Audit();
}

void World::EndAudit() {
  elements_->Audit(LiveInPopulation() + live_elsewhere_);
  for (slab::Cache* cache : {&nodes_->slabs(), &elements_->cache()}) {
    cache->Shrink();
    if (const absl::Status status = cache->CheckInvariants(); !status.ok()) {
      errors_.Report(Error::kAudit, absl::StrFormat("%s: %s", cache->name(), std::string(status.message())));
    }
  }
  if (const absl::Status status = arena_->CheckInvariants(); !status.ok()) {
    errors_.Report(Error::kAudit, std::string(status.message()));
  }
  AuditMemory();
  Count(Figure::kAudits);
}

// What lies free in its slabs is the caches' own business, whoever's they are; but what the arena has handed out are their
// slabs, and the kernel holds pages for nothing else. The library's own threads may be on their way to give slabs back: a difference that stays counts.
void World::AuditMemory() {
  const absl::Time limit = absl::Now() + absl::Seconds(options_.stall_seconds / 3);
  for (;;) {
    size_t units = 0;
    slab::ForEachCache([&](slab::Cache& cache) {
      if (&cache.arena() == arena_.get()) units += cache.Stats().slabs * cache.Shape().units_per_slab;
    });
    const slab::CacheStats elements = elements_->cache().Stats();
    const size_t held = arena_->units_held();
    const size_t resident = arena_->Residency().object_bytes;
    if (held == units && resident <= held * slab::kUnitSize && elements.retired == 0 &&
        elements.live == elements_->live()) {
      return;
    }
    if (absl::Now() > limit) {
      return errors_.Report(
          Error::kLeak,
          absl::StrFormat("the arena has %d units in use, its caches %d; %d bytes are resident; %d elements "
                          "are live and %d retired, the cache says, and should be %d and none",
                          held, units, resident, elements.live, elements.retired, elements_->live()));
    }
    const reclaim::OfflineScope offline;
    absl::SleepFor(absl::Milliseconds(1));
  }
}

}  // namespace mxa::torture
