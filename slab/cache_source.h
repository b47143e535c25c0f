// SPDX-License-Identifier: Apache-2.0
//
// Caches as sources of the background reclaimer: one, or all of an arena.
//
//   reclaim::BackgroundReclaimer reclaimer({}, reclaim::PressureMonitor::OfSystem());
//   slab::ArenaSource caches(slab::Arena::Default(), "caches");
//   reclaim::SourceHandle handle = reclaimer.AddSource(caches);
//
// What is idle in a movable cache: the slabs beyond the fewest that could hold what is allocated; a pass gives them back.
// In any other: its empty slabs, which Shrink gives back together with what sheaves keep from being empty. Objects in
// sheaves count as allocated: to take them out, threads would have to be disturbed at each look.
// Threads: as ReclaimSource. A slice is one pass, which ends with the batch in which its time is up, or one Shrink.
#ifndef MXA_SLAB_CACHE_SOURCE_H_
#define MXA_SLAB_CACHE_SOURCE_H_

#include <cstddef>
#include <map>
#include <string>

#include "reclaim/reclaim_source.h"
#include "slab/arena.h"
#include "slab/cache.h"

namespace mxa::slab {

class CacheSource : public reclaim::ReclaimSource {
 public:
  // `cache` outlives this.
  explicit CacheSource(Cache& cache) : cache_(cache) {}

  const std::string& name() const override { return cache_.name(); }
  reclaim::ReclaimCost cost() const override;
  reclaim::ReclaimHeld Held() override;
  reclaim::ReclaimGain Reclaim(const reclaim::ReclaimBudget& budget) override;

 private:
  Cache& cache_;
};

// The caches of an arena at each moment: they may come and go. A slice works on that with the most idle memory; one that
// gave nothing is left out until it has more, or all others gave nothing either.
class ArenaSource : public reclaim::ReclaimSource {
 public:
  // `arena` outlives this.
  ArenaSource(Arena& arena, const std::string& name) : arena_(arena), name_(name) {}

  const std::string& name() const override { return name_; }
  reclaim::ReclaimCost cost() const override { return reclaim::ReclaimCost::kMoves; }
  reclaim::ReclaimHeld Held() override;
  reclaim::ReclaimGain Reclaim(const reclaim::ReclaimBudget& budget) override;

 private:
  // The cache to work on next; null: none.
  const CacheCore* Choose();

  Arena& arena_;
  const std::string name_;
  // By address, what idled when it gave nothing. Only compared: the cache may be gone.
  std::map<const CacheCore*, uint64_t> fruitless_;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_CACHE_SOURCE_H_
