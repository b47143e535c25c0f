// SPDX-License-Identifier: Apache-2.0
#include "slab/direct_reclaim.h"

#include <atomic>

#include "base/check.h"
#include "base/fork_lock.h"
#include "base/mutex.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "reclaim/shrinker_registry.h"
#include "slab/compactor.h"
#include "slab/fork.h"
#include "slab/pinned_caches.h"
#include "slab/take_back.h"

namespace mxa::slab {
namespace {

// Lives until the process ends.
struct State {
  Mutex mutex;  // held while one reclaims; comes before all locks of caches and arenas
  // Times that it helped. Relaxed: only compared, and changed under the mutex.
  std::atomic<uint64_t> gains{0};
};

State& GetState() {
  static State& state = *new State;
  return state;
}

// Made before main, so that no fork comes between (reclaim/fork.h, F3).
[[maybe_unused]] State& state_from_start = GetState();

// Offline while it waits: who holds it waits for grace periods.
class ABSL_SCOPED_LOCKABLE Turn {
 public:
  Turn() ABSL_EXCLUSIVE_LOCK_FUNCTION(GetState().mutex) {
    const reclaim::OfflineScope offline;
    GetState().mutex.Lock();
  }
  ~Turn() ABSL_UNLOCK_FUNCTION() { GetState().mutex.Unlock(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
};

bool CompactOthers(const Arena& arena, const CacheCore& needy) {
  bool gained = false;
  ForEachPinnedCache(arena, [&](CacheCore& cache) {
    if (&cache == &needy || cache.options().movable == nullptr || cache.SurplusSlabs() == 0) return true;
    const absl::StatusOr<CompactStats> stats = RunPass(cache, {});
    gained = stats.ok() && stats->slabs_released > 0;
    return !gained;
  });
  return gained;
}

// Halved steps: what is dropped has to be made again, so no more than it takes.
bool AskShrinkers(const Arena& arena) {
  reclaim::ShrinkerRegistry& shrinkers = reclaim::ShrinkerRegistry::Default();
  if (shrinkers.empty()) return false;
  for (int priority = 4; priority >= 0; --priority) {
    const reclaim::ShrinkResult result = shrinkers.Shrink({.priority = priority, .direct_only = true});
    if (result.shrinkers == 0) return false;
    if (result.objects == 0) continue;
    // What was dropped may lie in sheaves of this arena's caches, and keep slabs from being empty.
    ForEachPinnedCache(arena, [](CacheCore& cache) {
      cache.BeginSlow();
      cache.FlushAllSheaves();
      cache.EndSlow();
      return true;
    });
    if (TakeBackEmptySlabs(arena, /*may_destroy=*/true) > 0) return true;
  }
  return false;
}

}  // namespace

bool DirectReclaim(const Arena& arena, CacheCore& needy) {
  MXA_CHECK(reclaim::MayReclaim() && !reclaim::InReadSection(), "direct reclaim where nothing may wait");
  if (PassScope::InPass()) return false;
  std::atomic<uint64_t>& gains = GetState().gains;
  const uint64_t before = gains.load(std::memory_order_relaxed);
  MXA_SCHEDULE_POINT("direct_reclaim.before_turn");
  const Turn turn;
  if (gains.load(std::memory_order_relaxed) != before) return true;  // somebody else's; if it is used up, so be it
  if (!CompactOthers(arena, needy) && !AskShrinkers(arena)) return false;
  gains.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void RenewDirectReclaimInChild() { RenewInChild(GetState().mutex); }

}  // namespace mxa::slab
