// SPDX-License-Identifier: Apache-2.0
//
// Which region of an arena a run comes from, and where regions come from.
#include <sys/mman.h>

#include <bit>

#include "base/check.h"
#include "slab/arena.h"

namespace mxa::slab {

bool Arena::BindUnits(size_t number, int node) {
  if (node_of_region_ == nullptr) return true;
  if (!topology_->Bind(UnitAddress(number * kUnitsPerRegion), kRegionSize, node)) return false;
  node_of_region_[number].store(static_cast<uint8_t>(node), std::memory_order_relaxed);
  return true;
}

Arena::Region* Arena::CommitRegion(int node) {
  constexpr size_t kTableBytes = kUnitsPerRegion * sizeof(Slab);
  const size_t number = regions_.size();
  if ((number + 1) * kRegionSize > reserved_) return nullptr;
  void* units = UnitAddress(number * kUnitsPerRegion);
  void* descriptors = table_ + number * kUnitsPerRegion;
  if (mprotect(descriptors, kTableBytes, PROT_READ | PROT_WRITE) != 0) return nullptr;
  if (mprotect(units, kRegionSize, PROT_READ | PROT_WRITE) != 0) return nullptr;
  // Advice only: where the kernel has no huge pages there is nothing to ask for or to refuse. Without MADV_NOHUGEPAGE a
  // kernel set to "always" would fill the holes that releasing single slabs leaves.
  madvise(units, kRegionSize, huge_pages_ == ArenaOptions::HugePages::kAtOnce ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  // The descriptors are left to the node of the thread that first uses them: bound, they would be a mapping of their own.
  if (!BindUnits(number, node)) return nullptr;
  Region& region = regions_.emplace_back();
  region.number = number;
  region.free_units = ~uint32_t{0};
  region.node = node;
  ListOf(region).PushBack(region);
  if (number % 64 == 0) free_regions_.push_back(0);
  free_regions_.back() |= uint64_t{1} << number % 64;
  // Relaxed: whoever asks about a pointer got it after the region was committed.
  committed_.store((number + 1) * kRegionSize, std::memory_order_relaxed);
  return &region;
}

bool Arena::CommitTo(size_t number) {
  const int node = topology_->CurrentNode();
  while (regions_.size() <= number) {
    if (CommitRegion(node) == nullptr) return false;
  }
  return true;
}

Arena::Region* Arena::LowestFree(int node, bool other) {
  for (size_t word = 0; word < free_regions_.size(); ++word) {
    for (uint64_t bits = free_regions_[word]; bits != 0; bits &= bits - 1) {
      Region& region = regions_[word * 64 + static_cast<size_t>(std::countr_zero(bits))];
      if ((region.node != node) == other) return &region;
    }
  }
  return nullptr;
}

Arena::Region* Arena::RebindRegion(int node) {
  if (topology_->nodes() == 1) return nullptr;
  Region* region = LowestFree(node, /*other=*/true);
  // Its pages went when its last unit did, so those that come next come from the new node.
  if (region == nullptr || !BindUnits(region->number, node)) return nullptr;
  ChangeRegion(*region, [&] { region->node = node; });
  return region;
}

Arena::Region* Arena::FullestWithRoom(RegionsByUse& by_use, size_t units, size_t least_used, size_t* first_unit) {
  for (size_t used = kUnitsPerRegion - units + 1; used-- > least_used;) {
    for (Region* region = by_use[used].front(); region != nullptr; region = by_use[used].next(*region)) {
      for (size_t first = 0; first < kUnitsPerRegion; first += units) {
        if ((~region->takable() & UnitMask(first, units)) == 0) {
          *first_unit = first;
          return region;
        }
      }
    }
  }
  return nullptr;
}

Arena::Region* Arena::ChooseRegion(size_t units, int node, Mobility mobility, size_t* first_unit) {
  if (Region* region = FullestWithRoom(ByUse(node, mobility), units, 1, first_unit)) return region;
  *first_unit = 0;
  if (Region* region = LowestFree(node, /*other=*/false)) return region;
  if (Region* region = RebindRegion(node)) return region;
  if (Region* region = CommitRegion(node)) return region;
  const Mobility other = mobility == Mobility::kMovable ? Mobility::kUnmovable : Mobility::kMovable;
  if (Region* region = FullestWithRoom(ByUse(node, other), units, 1, first_unit)) return region;
  // Free but for what is isolated.
  return FullestWithRoom(ByUse(node, Mobility::kMovable), units, 0, first_unit);
}

void Arena::TakeUnits(Region& region, uint32_t mask, Mobility mobility) {
  MXA_CHECK((region.free_units & mask) == mask, "units handed out twice");
  ChangeRegion(region, [&] {
    region.free_units &= ~mask;
    if (mobility == Mobility::kUnmovable) region.pinned_units |= mask;
  });
  units_held_ += static_cast<size_t>(std::popcount(mask));
}

void Arena::ReturnUnits(Region& region, uint32_t mask) {
  MXA_CHECK((region.free_units & mask) == 0, "units taken back twice");
  ChangeRegion(region, [&] {
    region.free_units |= mask;
    region.pinned_units &= ~mask;
  });
  units_held_ -= static_cast<size_t>(std::popcount(mask));
}

}  // namespace mxa::slab
