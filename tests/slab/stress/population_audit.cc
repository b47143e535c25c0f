// SPDX-License-Identifier: Apache-2.0
//
// What must hold of a population when everybody rests.
#include <algorithm>
#include <vector>

#include "absl/strings/str_format.h"
#include "tests/slab/stress/population.h"
#include "tests/slab/stress/referee.h"

namespace mxa::slab::stress {

void Population::Audit() {
  cache_->FreeRcuBarrier();
  AuditCounts();
  AuditSlots();
  if (const absl::Status status = cache_->CheckInvariants(); !status.ok()) Violation(std::string(status.message()));
}

void Population::AuditCounts() {
  const CacheStats stats = cache_->Stats();
  const CompactStats passes = cache_->TotalCompactStats();
  const auto expect = [&](const char* what, size_t got, size_t want) {
    if (got != want) Violation(absl::StrFormat("%s: %s %d, expected %d", name(), what, got, want));
  };
  size_t allocated = 0;
  size_t places = 0;
  const std::vector<SlabView> views = cache_->Slabs();
  for (const SlabView& view : views) {
    allocated += view.live;
    places += view.capacity;
    if (view.state != SlabState::kListed && view.state != SlabState::kCritical)
      Violation(absl::StrFormat("%s: a slab is not at rest", name()));
  }
  size_t filled = 0;
  for (size_t slot = 0; slot < slots(); ++slot) filled += IsFull(slot) ? 1 : 0;
  expect("slabs in view", views.size(), stats.slabs);
  expect("Po1: live", stats.live + stats.guarded, filled + private_.load());
  expect("retired after a barrier", stats.retired, 0);
  expect("S3: live + cached + retired + free", stats.live + stats.cached + stats.retired + stats.free, places);
  expect("Po2: destroyed", destroyed_rcu_.load(), removed_rcu_.load());
  if (constructs_places_) expect("Po3: constructed places", constructed_.load() - destructed_.load(), places);
  expect("Po5: moved by the passes", passes.objects_moved, moved_.load());
  expect("Po5: of these, settled as moved", passes.results[0], moved_.load());
  expect("handled objects", begun_.load() - ended_.load(), 0);
  expect("slabs", stats.slabs_created - stats.slabs_released, stats.slabs);
  if (cache_->Stats().counts[slab::Count::kIdleDrain] == stats.counts[slab::Count::kIdleDrain]) {
    expect("allocated objects in view", allocated, stats.live + stats.cached);
  }
}

void Population::AuditSlots() {
  std::vector<const Probe*> probes;
  for (size_t slot = 0; slot < slots(); ++slot) {
    Inspect(slot);
    if (IsFull(slot)) probes.push_back(Peek(slot));
  }
  std::sort(probes.begin(), probes.end());
  if (std::adjacent_find(probes.begin(), probes.end()) != probes.end()) {
    Violation(absl::StrFormat("Po4: %s: a probe is in two slots", name()));
  }
}

}  // namespace mxa::slab::stress
