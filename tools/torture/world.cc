// SPDX-License-Identifier: Apache-2.0
#include "tools/torture/world.h"

#include <string>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "reclaim/rcu.h"
#include "tools/torture/shape.h"
#include "tools/torture/threads.h"

namespace mxa::torture {

World::World(const Options& options) : options_(options), random_(options.seed) {
  arena_ = slab::Arena::Create({.reserve_bytes = size_t{1} << 30, .faults = &page_faults_}).value();
  nodes_ = xarray::NodeCache::Create(arena_.get()).value();
  elements_ = std::make_unique<ElementPool>(*arena_, errors_);
  population_ = std::make_unique<Population>(IndicesOf(options_.shape), *nodes_, *elements_, errors_, random_);
}

World::~World() {
  page_faults_.Disarm();
  population_.reset();
  elements_.reset();
  nodes_.reset();
  if (arena_->units_held() != 0) {
    errors_.Report(Error::kLeak, absl::StrFormat("%d units of the arena did not come back", arena_->units_held()));
  }
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
  Count(Figure::kAudits);
}

}  // namespace mxa::torture
