// SPDX-License-Identifier: Apache-2.0
//
// Counts objects by the stack that allocated them: what a leak report and an operator look at first.
//
//   AllocationSites sites;
//   for (void* object : ...) if (debug.State(object) == ObjectState::kLive) sites.Add(debug.AllocationTrace(object));
//   std::fputs(sites.ToString(10).c_str(), stderr);
//
// Threads: one owner's.
#ifndef MXA_SLAB_DEBUG_ALLOCATION_SITES_H_
#define MXA_SLAB_DEBUG_ALLOCATION_SITES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "slab/debug/owner_track.h"

namespace mxa::slab {

class AllocationSites {
 public:
  struct Site {
    std::vector<void*> stack;
    size_t objects = 0;
  };

  void Add(const OwnerTrack& track);

  // The sites with the most objects, at most `limit`, the largest first.
  std::vector<Site> Top(size_t limit) const;
  // "  N objects allocated at:" and the stack, a site.
  std::string ToString(size_t limit) const;

 private:
  absl::flat_hash_map<std::vector<void*>, size_t> objects_by_stack_;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_DEBUG_ALLOCATION_SITES_H_
