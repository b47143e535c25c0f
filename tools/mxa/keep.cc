// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/keep.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "tools/mxa/random.h"

namespace mxa::tool {
namespace {

uint64_t Target(uint64_t entries, double fraction) {
  const auto target = static_cast<uint64_t>(std::llround(static_cast<double>(entries) * fraction));
  return std::clamp<uint64_t>(target, 1, std::max<uint64_t>(entries, 1));
}

}  // namespace

Kept KeepArrays(const Workload& workload, double fraction, uint64_t seed) {
  std::vector<size_t> order(workload.arrays.size());
  std::iota(order.begin(), order.end(), size_t{0});
  Random random(seed);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);

  Kept kept(workload.arrays.size());
  const uint64_t target = Target(workload.entries(), fraction);
  uint64_t taken = 0;
  for (const size_t array : order) {
    const uint64_t entries = workload.arrays[array].entries();
    if (entries == 0 || (taken != 0 && taken + entries > target)) continue;
    kept[array].resize(entries);
    std::iota(kept[array].begin(), kept[array].end(), uint64_t{0});
    taken += entries;
    if (taken >= target) break;
  }
  return kept;
}

Kept KeepMostRecent(const Workload& workload, double fraction) {
  std::vector<uint32_t> touches;
  touches.reserve(workload.entries());
  for (const WorkloadArray& array : workload.arrays) {
    touches.insert(touches.end(), array.last_touch.begin(), array.last_touch.end());
  }
  Kept kept(workload.arrays.size());
  if (touches.empty()) return kept;

  // Touches are numbered one by one, so exactly `target` blocks are at or above the border.
  const uint64_t target = Target(touches.size(), fraction);
  const auto border = touches.begin() + static_cast<ptrdiff_t>(touches.size() - target);
  std::nth_element(touches.begin(), border, touches.end());
  const uint32_t oldest_kept = *border;
  for (size_t a = 0; a < workload.arrays.size(); ++a) {
    const WorkloadArray& array = workload.arrays[a];
    for (size_t i = 0; i < array.blocks.size(); ++i) {
      if (array.last_touch[i] >= oldest_kept) kept[a].push_back(array.blocks[i]);
    }
    std::sort(kept[a].begin(), kept[a].end());
  }
  return kept;
}

}  // namespace mxa::tool
