// SPDX-License-Identifier: Apache-2.0
#include "slab/grace_watch.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "reclaim/rcu_readers.h"

namespace mxa::slab {

void GraceWatch::Look() {
  const absl::Time now = absl::Now();
  std::map<std::pair<int64_t, uint64_t>, Seen> still;
  for (reclaim::GracePeriodHolder& holder : reclaim::GracePeriodHolders()) {
    const std::pair<int64_t, uint64_t> key(holder.thread_id, holder.section);
    const auto before = seen_.find(key);
    still[key] = {std::move(holder.name), before == seen_.end() ? now : before->second.since};
  }
  seen_ = std::move(still);
}

bool GraceWatch::Describe(ContiguousVerdict& verdict) const {
  if (seen_.empty()) return false;
  const auto& [key, seen] = *std::min_element(
      seen_.begin(), seen_.end(), [](const auto& a, const auto& b) { return a.second.since < b.second.since; });
  verdict.thread_id = key.first;
  verdict.thread_name = seen.name;
  verdict.held_at_least = absl::Now() - seen.since;
  return true;
}

}  // namespace mxa::slab
