// SPDX-License-Identifier: Apache-2.0
#include "slab/observe/slabinfo_text.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "slab/observe/names.h"

namespace mxa::slab::observe {

std::string SlabinfoText(const Snapshot& snapshot) {
  std::string text =
      "slabinfo - version: 2.1\n"
      "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
      " : tunables <limit> <batchcount> <sharedfactor>"
      " : slabdata <active_slabs> <num_slabs> <sharedavail>\n";
  const uint64_t page_size = std::max<uint64_t>(snapshot.page_size, 1);
  for (const CacheSnapshot& cache : snapshot.caches) {
    const CacheStats& stats = cache.stats;
    absl::StrAppendFormat(&text, "%-17s %6d %6d %6d %4d %4d : tunables %4d %4d %4d : slabdata %6d %6d %6d\n",
                          ColumnName(cache.name), cache.active(), cache.objects(), cache.shape.stride,
                          stats.objects_per_slab, cache.slab_bytes / page_size, 0, 0, 0,
                          stats.slabs - std::min(stats.empty_slabs, stats.slabs), stats.slabs, 0);
  }
  return text;
}

}  // namespace mxa::slab::observe
