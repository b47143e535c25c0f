// SPDX-License-Identifier: Apache-2.0
#include "slab/direct_reclaim.h"

#include <atomic>

#include "absl/base/attributes.h"
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

namespace mxa::slab {
namespace {

// Lives until the process ends.
struct State {
  Mutex mutex;  // held while one reclaims; comes before all locks of caches and arenas
  // Times that it helped. Relaxed: only compared, and changed under the mutex.
  std::atomic<uint64_t> gains{0};
  const Arena* gained ABSL_GUARDED_BY(mutex) = nullptr;  // whom it helped last; only compared
};

// This thread has its turn: an allocation of a destructor that it runs must not wait for it.
ABSL_CONST_INIT thread_local bool in_turn = false;

State& GetState() {
  static State& state = *new State;
  return state;
}

// Made before main, so that no fork comes between (reclaim/fork.h, F3).
[[maybe_unused]] State& state_from_start = GetState();

// Offline while it waits: who holds it waits for grace periods.
class ABSL_SCOPED_LOCKABLE Turn {
 public:
  explicit Turn(State& state) ABSL_EXCLUSIVE_LOCK_FUNCTION(state.mutex) : state_(state) {
    const reclaim::OfflineScope offline;
    state.mutex.Lock();
    in_turn = true;
  }
  ~Turn() ABSL_UNLOCK_FUNCTION() {
    in_turn = false;
    state_.mutex.Unlock();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  State& state_;
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

// Memory that an allocation of `needy` can have, of what has just been freed: it may lie in sheaves, and wait for a grace
// period.
bool Collect(const Arena& arena, CacheCore& needy) {
  size_t released = 0;
  ForEachPinnedCache(arena, [&](CacheCore& cache) {
    released += cache.Shrink();
    return true;
  });
  const SlabStore::Counts counts = needy.store().GetCounts();
  return released > 0 || counts.allocated < counts.places;
}

// In small steps: what is dropped has to be made again, so no more than it takes.
bool AskShrinkers(const Arena& arena, CacheCore& needy) {
  for (int priority = 4; priority >= 0; --priority) {
    const reclaim::ShrinkResult result =
        reclaim::ShrinkerRegistry::Default().Shrink({.priority = priority, .direct_only = true});
    if (result.shrinkers == 0) return false;
    if (result.objects > 0 && Collect(arena, needy)) return true;
  }
  return false;
}

}  // namespace

bool DirectReclaim(const Arena& arena, CacheCore& needy) {
  MXA_CHECK(reclaim::MayReclaim() && !reclaim::InReadSection(), "direct reclaim where nothing may wait");
  if (PassScope::InPass() || in_turn) return false;
  State& state = GetState();
  const uint64_t before = state.gains.load(std::memory_order_relaxed);
  MXA_SCHEDULE_POINT("direct_reclaim.before_turn");
  const Turn turn(state);
  // Somebody else's; if it is used up, so be it.
  if (state.gains.load(std::memory_order_relaxed) != before && state.gained == &arena) return true;
  if (!CompactOthers(arena, needy) && !AskShrinkers(arena, needy)) return false;
  state.gains.fetch_add(1, std::memory_order_relaxed);
  state.gained = &arena;
  return true;
}

void RenewDirectReclaimInChild() { RenewInChild(GetState().mutex); }

}  // namespace mxa::slab
