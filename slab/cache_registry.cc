// SPDX-License-Identifier: Apache-2.0
#include "slab/cache_registry.h"

#include <algorithm>
#include <vector>

#include "absl/base/attributes.h"
#include "base/check.h"
#include "base/fork_lock.h"
#include "base/mutex.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"
#include "reclaim/fork.h"
#include "reclaim/rcu.h"

namespace mxa::slab {
namespace {

struct Registry {
  Mutex mutex;
  std::vector<Cache*> caches ABSL_GUARDED_BY(mutex);
};

// This thread is inside ForEachCache: what would wait for itself is named instead.
ABSL_CONST_INIT thread_local bool visiting = false;

// Never destroyed: caches with static storage go later than it would.
Registry& TheRegistry() {
  static Registry& registry = *new Registry;
  return registry;
}

void PrepareFork() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  MXA_CHECK(!visiting, "a fork inside ForEachCache");
  TheRegistry().mutex.Lock();
}

[[maybe_unused]] const bool arranged = [] {
  TheRegistry();
  reclaim::SetForkHandlers(reclaim::ForkStage::kVisitors,
                           {&PrepareFork, +[](ForkSide side) { ReleaseAfterFork(TheRegistry().mutex, side); }});
  return true;
}();

// Recycling runs under a cache's recycle lock, for which a visit may wait.
void CheckNoCallback() {
  MXA_CHECK(reclaim::tls_context.no_reclaim == 0 && reclaim::tls_context.can_free == 0,
            "the list of caches used inside a reclaim callback");
}

}  // namespace

void ForEachCache(absl::FunctionRef<void(Cache&)> visit) {
  MXA_CHECK(!visiting, "ForEachCache inside ForEachCache");
  CheckNoCallback();
  Registry& registry = TheRegistry();
  MutexLock lock(&registry.mutex);
  visiting = true;
  for (Cache* cache : registry.caches) visit(*cache);
  visiting = false;
}

void RegisterCache(Cache& cache) {
  MXA_CHECK(!visiting, "a cache created inside ForEachCache");
  MXA_CHECK(!reclaim::InReadSection(), "a cache created inside a read section");  // a visit may wait for a grace period
  CheckNoCallback();
  Registry& registry = TheRegistry();
  MutexLock lock(&registry.mutex);
  registry.caches.push_back(&cache);
}

void UnregisterCache(Cache& cache) {
  MXA_CHECK(!visiting, "a cache destroyed inside ForEachCache");
  CheckNoCallback();
  MXA_SCHEDULE_POINT("slab.unregister");
  Registry& registry = TheRegistry();
  MutexLock lock(&registry.mutex);
  registry.caches.erase(std::find(registry.caches.begin(), registry.caches.end(), &cache));
}

}  // namespace mxa::slab
