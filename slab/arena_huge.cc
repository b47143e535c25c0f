// SPDX-License-Identifier: Apache-2.0
//
// Huge pages for regions that are full, and only as long as they are.
//
// A region that is full is as large as a huge page, and stays so until somebody frees in it: that is when one costs nothing.
// Once a unit is to go back to the system, the page must be split; without MADV_NOHUGEPAGE first the kernel would put it
// together again, and the unit would be resident for nobody.
#include <sys/mman.h>

#include <vector>

#include "slab/arena.h"

namespace mxa::slab {
namespace {

// Linux 6.1; where it is not known, the kernel's own thread may do it some time.
constexpr int kCollapse = 25;

}  // namespace

bool Arena::AskForHuge(Region& region) {
  if (huge_pages_ != ArenaOptions::HugePages::kWhenFull || region.huge) return false;
  region.huge = true;
  // Advice: where there are no huge pages there is nothing to ask for.
  return madvise(UnitAddress(region.number * kUnitsPerRegion), kRegionSize, MADV_HUGEPAGE) == 0;
}

// Without the lock, as it copies 2 MiB. Units may go back meanwhile: then it fails, or LeaveHuge comes after it and splits
// what it made.
void Arena::Collapse(size_t region) const { madvise(UnitAddress(region * kUnitsPerRegion), kRegionSize, kCollapse); }

void Arena::LeaveHuge(const std::vector<Slab*>& runs) {
  if (huge_pages_ != ArenaOptions::HugePages::kWhenFull) return;
  MutexLock lock(&mutex_);
  for (const Slab* slab : runs) {
    Region& region = regions_[static_cast<size_t>(slab - table_) / kUnitsPerRegion];
    if (!region.huge) continue;
    region.huge = false;
    madvise(UnitAddress(region.number * kUnitsPerRegion), kRegionSize, MADV_NOHUGEPAGE);
  }
}

}  // namespace mxa::slab
