// SPDX-License-Identifier: Apache-2.0
#include "slab/cache_source.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "slab/cache_core.h"
#include "slab/compactor.h"
#include "slab/pinned_caches.h"

namespace mxa::slab {
namespace {

// Passes in one slice that give nothing.
constexpr int kMostTries = 4;

uint64_t SlabBytes(CacheCore& cache) { return cache.store().units() * kUnitSize; }

bool IsMovable(const CacheCore& cache) { return cache.options().movable != nullptr; }

reclaim::ReclaimHeld HeldBy(CacheCore& cache) {
  const SlabStore::Counts counts = cache.store().GetCounts();
  const size_t idle = IsMovable(cache) ? cache.SurplusSlabs() : counts.empty;
  return {.held_bytes = counts.slabs * SlabBytes(cache), .idle_bytes = idle * SlabBytes(cache)};
}

// As many slabs as may stay when `wanted_bytes` are to come back, as a multiple of those needed: a pass then leaves alone
// what costs most to empty.
double TargetFor(CacheCore& cache, uint64_t wanted_bytes) {
  const SlabStore::Counts counts = cache.store().GetCounts();
  const size_t surplus = cache.SurplusSlabs();
  const size_t needed = counts.slabs - std::min(counts.slabs, surplus);
  const uint64_t wanted = wanted_bytes / SlabBytes(cache) + (wanted_bytes % SlabBytes(cache) == 0 ? 0 : 1);
  if (needed == 0 || wanted >= surplus) return 1;
  return static_cast<double>(counts.slabs - wanted) / static_cast<double>(needed);
}

reclaim::ReclaimGain ReclaimFrom(CacheCore& cache, const reclaim::ReclaimBudget& budget) {
  if (budget.cancelled()) return {};
  if (!IsMovable(cache)) return {.bytes = cache.Shrink() * SlabBytes(cache)};
  CompactOptions options;
  options.cancel = budget.cancel;
  options.target_ratio = TargetFor(cache, budget.wanted_bytes);
  options.work_limit_ns = static_cast<uint64_t>(std::max<int64_t>(1, absl::ToInt64Nanoseconds(budget.slice)));
  const absl::StatusOr<CompactStats> stats = RunPass(cache, options);
  if (!stats.ok()) return {};  // somebody else's pass is running, and will do
  return {.bytes = stats->slabs_released * SlabBytes(cache)};
}

}  // namespace

reclaim::ReclaimCost CacheSource::cost() const {
  return IsMovable(*cache_.core_) ? reclaim::ReclaimCost::kMoves : reclaim::ReclaimCost::kGivesBack;
}

reclaim::ReclaimHeld CacheSource::Held() { return HeldBy(*cache_.core_); }

reclaim::ReclaimGain CacheSource::Reclaim(const reclaim::ReclaimBudget& budget) {
  return ReclaimFrom(*cache_.core_, budget);
}

reclaim::ReclaimHeld ArenaSource::Held() {
  reclaim::ReclaimHeld all;
  ForEachPinnedCache(arena_, [&](CacheCore& cache) {
    const reclaim::ReclaimHeld held = HeldBy(cache);
    all.held_bytes += held.held_bytes;
    all.idle_bytes += held.idle_bytes;
    return true;
  });
  return all;
}

const CacheCore* ArenaSource::Choose() {
  const CacheCore* chosen = nullptr;
  uint64_t most = 0;
  ForEachPinnedCache(arena_, [&](CacheCore& cache) {
    const uint64_t idle = HeldBy(cache).idle_bytes;
    const auto found = fruitless_.find(&cache);
    if (idle <= most || (found != fruitless_.end() && idle <= found->second)) return true;
    chosen = &cache;
    most = idle;
    return true;
  });
  return chosen;
}

reclaim::ReclaimGain ArenaSource::Reclaim(const reclaim::ReclaimBudget& budget) {
  reclaim::ReclaimGain gain;
  for (int tries = 0; tries < kMostTries && !budget.cancelled(); ++tries) {
    const CacheCore* const chosen = Choose();
    if (chosen == nullptr) {
      fruitless_.clear();  // the reclaimer waits before it asks again
      break;
    }
    uint64_t idle = 0;
    ForEachPinnedCache(arena_, [&](CacheCore& cache) {
      if (&cache != chosen) return true;
      idle = HeldBy(cache).idle_bytes;
      gain = ReclaimFrom(cache, budget);
      return false;
    });
    if (gain.bytes > 0) {
      fruitless_.erase(chosen);
      return gain;
    }
    fruitless_[chosen] = idle;
  }
  return gain;
}

}  // namespace mxa::slab
