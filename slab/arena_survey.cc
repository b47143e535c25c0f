// SPDX-License-Identifier: Apache-2.0
#include "slab/arena_survey.h"

#include <algorithm>

#include "base/mutex.h"
#include "slab/cache_core.h"
#include "slab/slab_view.h"
#include "slab/thread_registry.h"

namespace mxa::slab {

std::vector<ArenaSurvey::SlabUse>::const_iterator ArenaSurvey::SlabFrom(size_t unit) const {
  return std::partition_point(slabs.begin(), slabs.end(), [&](const SlabUse& slab) { return slab.end() <= unit; });
}

const ArenaSurvey::SlabUse* ArenaSurvey::SlabAt(size_t unit) const {
  const auto slab = SlabFrom(unit);
  return slab != slabs.end() && slab->first_unit <= unit ? &*slab : nullptr;
}

ArenaSurvey Survey(const Arena& arena) {
  ArenaSurvey survey;
  survey.units_reserved = arena.units_reserved();
  {
    MutexLock lock(&ThreadRegistryMutex());
    for (CacheCore* cache = AllCaches().front(); cache != nullptr; cache = AllCaches().next(*cache)) {
      if (&cache->arena() != &arena) continue;
      SlabStore& store = cache->store();
      ArenaSurvey::CacheUse use{cache->options().name, store.capacity(), store.units(), 0};
      for (const SlabView& slab : store.View()) {
        use.free += static_cast<size_t>(slab.capacity - slab.live);
        survey.slabs.push_back({.first_unit = slab.region * kUnitsPerRegion + slab.first_unit,
                                .units = slab.units,
                                .live = slab.live,
                                .live_bytes = slab.live * store.stride(),
                                .cache = survey.caches.size()});
      }
      survey.caches.push_back(use);
    }
  }
  survey.regions = arena.Use();
  std::sort(survey.slabs.begin(), survey.slabs.end(),
            [](const auto& a, const auto& b) { return a.first_unit < b.first_unit; });
  return survey;
}

}  // namespace mxa::slab
