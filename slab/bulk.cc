// SPDX-License-Identifier: Apache-2.0
//
// Many objects at once: one owner section and one lock of the slabs' lists for all of them.
#include <algorithm>

#include "base/check.h"
#include "reclaim/context.h"
#include "slab/cache_core.h"

namespace mxa::slab {

bool CacheCore::AllocateBulk(absl::Span<void*> objects, AllocFlags flags) {
  MXA_CHECK(reclaim::tls_context.can_free == 0, "allocation inside CanFree");
  if (objects.empty()) return true;
  if (hooked()) return AllocateEach(objects, flags);
  counters_.Add(Count::kAllocSlow);
  ThreadSheaves* const sheaves = CurrentSheaves();
  size_t taken = 0;
  for (Search search = NewSearch(); sheaves != nullptr;) {
    {
      OwnerSection section(*sheaves);
      while (taken < objects.size() && BringSheaf(*sheaves, search.node, search.anywhere)) {
        objects[taken++] = sheaves->main->TryPop();
      }
    }
    taken += store_.Take(objects.subspan(taken), search.node, /*strict=*/!search.anywhere);
    if (taken == objects.size() || !MakeRoom(flags, search)) break;
  }
  if (sheaves != nullptr) LeaveBusy(*sheaves);
  if (taken == objects.size()) return true;
  counters_.Add(Count::kAllocFailed);
  FreeBulk(objects.first(taken));
  std::fill(objects.begin(), objects.end(), nullptr);
  return false;
}

bool CacheCore::AllocateEach(absl::Span<void*> objects, AllocFlags flags) {
  for (size_t i = 0; i < objects.size(); ++i) {
    objects[i] = Allocate(flags);
    if (objects[i] != nullptr) continue;
    FreeBulk(objects.first(i));
    std::fill(objects.begin(), objects.end(), nullptr);
    return false;
  }
  return true;
}

void CacheCore::FreeBulk(absl::Span<void* const> objects) {
  MXA_CHECK(reclaim::tls_context.can_free == 0, "free inside CanFree");
  if (objects.empty()) return;
  if (hooked() || guard_sampler_.samples()) {
    for (void* object : objects) Free(object);
    return;
  }
  counters_.Add(Count::kFreeSlow);
  // In pieces, so that others do not wait for all of them at the slabs' lists.
  constexpr size_t kAtOnce = 256;
  if (ThreadSheaves* const sheaves = CurrentSheaves()) {
    {
      OwnerSection section(*sheaves);
      // ORDER(mark) as in FreeInSection; what a pass has marked goes to its slab, and so goes all the rest then.
      if (!section.slow()) {
        while (!objects.empty() && sheaves->main->TryPush(objects.front())) objects.remove_prefix(1);
      }
    }
    LeaveBusy(*sheaves);
  }
  while (!objects.empty()) {
    const absl::Span<void* const> piece = objects.first(std::min(objects.size(), kAtOnce));
    store_.Return(piece);
    objects.remove_prefix(piece.size());
  }
  store_.TrimEmpty();
  ReleaseCritical();
}

}  // namespace mxa::slab
