// SPDX-License-Identifier: Apache-2.0
//
// Blocks of an arena: taken free, or isolated, so that they come free, and then taken.
//
// A block of several regions is a run a region. Those that are out are counted as unmovable runs and listed by their
// first unit, which tells how long they are.
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"
#include "base/planted_bug.h"
#include "slab/arena.h"

namespace mxa::slab {

template <typename Visit>
bool Arena::EachRegionOf(UnitBlock block, Visit visit) {
  for (size_t unit = block.first; unit < block.end();) {
    const size_t in_region = unit % kUnitsPerRegion;
    const size_t units = std::min(kUnitsPerRegion - in_region, block.end() - unit);
    if (!visit(regions_[unit / kUnitsPerRegion], UnitMask(in_region, units))) return false;
    unit += units;
  }
  return true;
}

bool Arena::WhollyFreeLocked(size_t number) const { return (free_regions_[number / 64] >> number % 64 & 1) != 0; }

size_t Arena::FirstAligned(size_t units) const {
  const size_t bytes = units * kUnitSize;
  return ((base_ + bytes - 1) / bytes * bytes - base_) / kUnitSize;
}

void Arena::StartBlock(UnitBlock block) {
  for (size_t unit = block.first; unit < block.end(); unit += kUnitsPerRegion) {
    StartRun(unit, std::min(block.units, kUnitsPerRegion));
  }
  blocks_.emplace(block.first, block.units);
}

std::optional<UnitBlock> Arena::TakeBlock(size_t units) {
  if (units <= kUnitsPerRegion) {
    Slab* run = AllocateRun(units);
    if (run == nullptr) return std::nullopt;
    const UnitBlock block{static_cast<size_t>(run - table_), units};
    MutexLock lock(&mutex_);
    blocks_.emplace(block.first, units);
    return block;
  }
  if (faults_ != nullptr && faults_->ShouldFail()) return std::nullopt;
  MutexLock lock(&mutex_);
  for (UnitBlock block{FirstAligned(units), units}; block.end() <= units_reserved(); block.first += units) {
    const size_t first = block.first / kUnitsPerRegion;
    const size_t last = (block.end() - 1) / kUnitsPerRegion;
    size_t free = first;
    while (free <= last && (free >= regions_.size() || WhollyFreeLocked(free))) ++free;
    if (free <= last) continue;
    if (!CommitTo(last)) return std::nullopt;
    EachRegionOf(block, [this](Region& region, uint32_t mask) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      TakeUnits(region, mask, Mobility::kUnmovable);
      return true;
    });
    StartBlock(block);
    return block;
  }
  return std::nullopt;
}

bool Arena::IsolateBlock(UnitBlock block) {
  MutexLock lock(&mutex_);
  if (block.end() > units_reserved() || !CommitTo((block.end() - 1) / kUnitsPerRegion)) return false;
  const auto movable = [](const Region& region, uint32_t mask) {
    return ((region.pinned_units | region.isolated_units) & mask) == 0;
  };
  if (!EachRegionOf(block, movable)) return false;
  EachRegionOf(block, [this](Region& region, uint32_t mask) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    ChangeRegion(region, [&] { region.isolated_units |= mask; });
    return true;
  });
  ++isolations_;
  return true;
}

void Arena::EndIsolation(UnitBlock block) {
  MutexLock lock(&mutex_);
  EachRegionOf(block, [this](Region& region, uint32_t mask) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    MXA_CHECK((region.isolated_units & mask) == mask, "a block that is not isolated");
    ChangeRegion(region, [&] { region.isolated_units &= ~mask; });
    return true;
  });
  --isolations_;
}

bool Arena::IsFree(UnitBlock block) {
  MutexLock lock(&mutex_);
  return EachRegionOf(block, [](const Region& region, uint32_t mask) { return (~region.free_units & mask) == 0; });
}

bool Arena::TakeIsolated(UnitBlock block) {
  MutexLock lock(&mutex_);
  const auto free = [](const Region& region, uint32_t mask) { return (~region.free_units & mask) == 0; };
  if (!EachRegionOf(block, free) && !PlantedBugIs(PlantedBug::kBlockOverlapsLiveSlab)) return false;
  EachRegionOf(block, [this](Region& region, uint32_t mask) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    MXA_CHECK((region.isolated_units & mask) == mask, "a block that is not isolated");
    ChangeRegion(region, [&] { region.isolated_units &= ~mask; });
    TakeUnits(region, mask, Mobility::kUnmovable);
    return true;
  });
  --isolations_;
  StartBlock(block);
  return true;
}

bool Arena::FreeBlock(const void* start) {
  if (!Contains(start)) return false;
  const UnitBlock unit = UnitOf(start);
  if (UnitAddress(unit.first) != start) return false;
  std::vector<Slab*> runs;
  {
    MutexLock lock(&mutex_);
    const auto block = blocks_.find(unit.first);
    if (block == blocks_.end()) return false;
    for (size_t i = 0; i < block->second; i += kUnitsPerRegion) runs.push_back(&table_[unit.first + i]);
    blocks_.erase(block);
  }
  FreeRuns(runs);
  return true;
}

void* Arena::TakePages(size_t pages) {
  MutexLock lock(&mutex_);
  const std::optional<PageRuns::Place> place = page_runs_.Take(pages);
  if (!place.has_value()) return nullptr;
  return static_cast<char*>(UnitAddress(place->unit)) + place->page * kPageSize;
}

void Arena::AddPages(UnitBlock unit) {
  MutexLock lock(&mutex_);
  page_runs_.Add(unit.first);
  blocks_.erase(unit.first);  // it is no block that could be freed as one
}

bool Arena::FreePages(void* start) {
  if (!Contains(start)) return false;
  const size_t offset = reinterpret_cast<uintptr_t>(start) - base_;
  if (offset % kPageSize != 0) return false;
  const PageRuns::Place place{offset / kUnitSize, offset % kUnitSize / kPageSize};
  size_t pages;
  {
    MutexLock lock(&mutex_);
    pages = page_runs_.BeginReturn(place);
  }
  if (pages == 0) return false;
  MXA_CHECK(madvise(start, pages * kPageSize, MADV_DONTNEED) == 0, "cannot give pages back");
  std::vector<Slab*> runs;
  {
    MutexLock lock(&mutex_);
    if (page_runs_.EndReturn(place, pages)) runs.push_back(&table_[place.unit]);
  }
  FreeRuns(runs);
  return true;
}

bool Arena::Pin(const Slab* run) {
  MutexLock lock(&mutex_);
  const size_t unit = static_cast<size_t>(run - table_);
  Region& region = regions_[unit / kUnitsPerRegion];
  const uint32_t mask = UnitMask(unit % kUnitsPerRegion, run->units);
  if ((region.isolated_units & mask) != 0) return false;
  ChangeRegion(region, [&] { region.pinned_units |= mask; });
  return true;
}

size_t Arena::isolations() const {
  MutexLock lock(&mutex_);
  return isolations_;
}

void Arena::BeginUse() {
  MutexLock lock(&mutex_);
  ++users_;
}

void Arena::EndUse() {
  MutexLock lock(&mutex_);
  --users_;
}

}  // namespace mxa::slab
