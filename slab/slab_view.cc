// SPDX-License-Identifier: Apache-2.0
#include "slab/slab_view.h"

#include "slab/slab_store.h"

namespace mxa::slab {

std::vector<SlabView> SlabStore::View() {
  std::vector<SlabView> views;
  const auto add = [&](const Slab& slab) {
    SlabView& view = views.emplace_back();
    view.address = reinterpret_cast<uintptr_t>(slab.objects);
    view.region = arena_.RegionOf(&slab);
    view.live = slab.live;
    view.capacity = slab.capacity;
    // Regions are aligned to their size.
    view.first_unit = static_cast<uint8_t>(view.address % kRegionSize / kUnitSize);
    view.units = slab.units;
    view.state = slab.state;
  };
  // Room for all, most likely, before the lock is taken.
  views.reserve(GetCounts().slabs + 16);
  MutexLock lock(&mutex_);
  for (SlabLists& lists : lists_) lists.ForEach(add);
  for (Slab* slab = critical_.front(); slab != nullptr; slab = critical_.next(*slab)) add(*slab);
  for (Slab* slab = planned_.front(); slab != nullptr; slab = planned_.next(*slab)) add(*slab);
  for (Slab* slab = aside_.front(); slab != nullptr; slab = aside_.next(*slab)) add(*slab);
  for (Slab* slab = victims_.front(); slab != nullptr; slab = victims_.next(*slab)) add(*slab);
  return views;
}

}  // namespace mxa::slab
