// SPDX-License-Identifier: Apache-2.0
#include "slab/debug/allocation_sites.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_format.h"

namespace mxa::slab {

void AllocationSites::Add(const OwnerTrack& track) {
  ++objects_by_stack_[std::vector<void*>(track.stack().begin(), track.stack().end())];
}

std::vector<AllocationSites::Site> AllocationSites::Top(size_t limit) const {
  std::vector<Site> sites;
  sites.reserve(objects_by_stack_.size());
  for (const auto& [stack, objects] : objects_by_stack_) sites.push_back({stack, objects});
  // By stack where the counts are the same, so that two listings can be compared.
  std::sort(sites.begin(), sites.end(),
            [](const Site& a, const Site& b) { return std::tie(b.objects, a.stack) < std::tie(a.objects, b.stack); });
  if (sites.size() > limit) sites.resize(limit);
  return sites;
}

std::string AllocationSites::ToString(size_t limit) const {
  std::string text;
  for (const Site& site : Top(limit)) {
    absl::StrAppendFormat(&text, "  %d objects allocated at:\n%s", site.objects, DescribeStack(site.stack));
  }
  return text;
}

}  // namespace mxa::slab
