// SPDX-License-Identifier: Apache-2.0
#include "slab/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "reclaim/fork_hold.h"
#include "slab/guard/guard_pool.h"

namespace mxa::slab {
namespace {

constexpr size_t kTableBytesPerRegion = kUnitsPerRegion * sizeof(Slab);
static_assert(kTableBytesPerRegion == 4096, "a region's descriptors are one page");

// Bytes of [start, start + bytes) that the kernel holds pages for.
size_t ResidentBytes(const void* start, size_t bytes) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::array<unsigned char, kRegionSize / 4096> in_core;
  MXA_CHECK(bytes / page <= in_core.size() && mincore(const_cast<void*>(start), bytes, in_core.data()) == 0,
            "the kernel does not tell what is resident");
  size_t resident = 0;
  for (size_t i = 0; i < bytes / page; ++i) resident += (in_core[i] & 1) * page;
  return resident;
}

Mutex& AllArenasMutex() {
  ABSL_CONST_INIT static Mutex mutex(absl::kConstInit);
  return mutex;
}

// In the order of their creation.
IntrusiveList<Arena>& AllArenas() ABSL_EXCLUSIVE_LOCKS_REQUIRED(AllArenasMutex()) {
  static auto& arenas = *new IntrusiveList<Arena>;
  return arenas;
}

}  // namespace

Arena::Arena() {
  MutexLock lock(&AllArenasMutex());
  AllArenas().PushBack(*this);
}

absl::StatusOr<std::unique_ptr<Arena>> Arena::Create(const ArenaOptions& options) {
  if (options.min_reserve_bytes < kRegionSize || options.reserve_bytes < options.min_reserve_bytes) {
    return absl::InvalidArgumentError(
        "an arena reserves at least one 2 MiB region, and reserve_bytes >= min_reserve_bytes");
  }
  std::unique_ptr<Arena> arena(new Arena);
  const size_t least = options.min_reserve_bytes / kRegionSize * kRegionSize;
  for (size_t bytes = options.reserve_bytes / kRegionSize * kRegionSize; bytes >= least && bytes != 0;
       bytes = bytes / 2 / kRegionSize * kRegionSize) {
    const size_t table_bytes = bytes / kRegionSize * kTableBytesPerRegion;
    // So that blocks of up to 1 GiB find as many aligned places as there can be. Where addresses are short they find
    // fewer.
    Reservation units(bytes + kGuardBytes, std::max(kRegionSize, std::min(std::bit_floor(bytes), size_t{1} << 30)));
    if (!units) units = Reservation(bytes + kGuardBytes, kRegionSize);
    Reservation table(table_bytes, 4096);
    if (!units || !table) continue;
    arena->base_ = reinterpret_cast<uintptr_t>(units.start());
    arena->reserved_ = bytes;
    arena->table_ = static_cast<Slab*>(table.start());
    arena->units_ = std::move(units);
    arena->descriptors_ = std::move(table);
    arena->huge_pages_ = options.huge_pages;
    arena->faults_ = options.faults;
    arena->SetTopology(options.topology == nullptr ? Topology::System() : *options.topology);
    return arena;
  }
  return absl::ResourceExhaustedError(
      absl::StrFormat("cannot reserve even %d MiB of addresses; is there a limit on address space (ulimit -v)?",
                      options.min_reserve_bytes >> 20));
}

Arena& Arena::Default() {
  ABSL_CONST_INIT static reclaim::Immortal<Arena> arena;
  return arena.Get([] {
    absl::StatusOr<std::unique_ptr<Arena>> created = Create();
    MXA_CHECK(created.ok(), "no addresses for the default arena; is there a limit on address space (ulimit -v)?");
    return created->release();
  });
}

GuardPool& Arena::Guards() {
  std::call_once(guards_made_, [this] {
    guards_ = std::make_unique<GuardPool>(reinterpret_cast<void*>(slabs_end()), kGuardBytes,
                                          GuardOptions{.install_handler = true});
  });
  return *guards_;
}

Arena::~Arena() {
  {
    MutexLock lock(&AllArenasMutex());
    AllArenas().Remove(*this);
  }
  if (reserved_ == 0) return;
  {
    MutexLock lock(&mutex_);
    const auto unused = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return users_ == 0; };
    mutex_.Await(absl::Condition(&unused));
    MXA_CHECK(units_held_ == 0, "arena destroyed while a cache holds slabs of it");
    for (Region& region : regions_) ListOf(region).Remove(region);
  }
}

void Arena::SetTopology(const Topology& topology) {
  topology_ = &topology;
  if (topology.nodes() > 1) node_of_region_ = std::make_unique<std::atomic<uint8_t>[]>(reserved_ / kRegionSize);
  MutexLock lock(&mutex_);
  by_use_ = std::vector<RegionsByUse>(2 * topology.nodes());
}

Slab* Arena::AllocateRun(size_t units, int node, Mobility mobility) {
  MXA_CHECK(std::has_single_bit(units) && units <= kUnitsPerRegion, "a run is a power of two of units up to a region");
  if (faults_ != nullptr && faults_->ShouldFail()) return nullptr;
  const int nodes = static_cast<int>(topology_->nodes());
  MXA_CHECK(node >= kAnyNode && node < nodes, "a run on a node that is not there");
  const int best = node == kAnyNode ? topology_->CurrentNode() : node;
  Slab* run = nullptr;
  size_t filled = 0;
  bool collapse = false;
  {
    MutexLock lock(&mutex_);
    size_t first = 0;
    Region* region = ChooseRegion(units, best, mobility, &first);
    for (int i = 1; region == nullptr && node == kAnyNode && i < nodes; ++i) {
      region = ChooseRegion(units, (best + i) % nodes, mobility, &first);
    }
    if (region == nullptr) return nullptr;
    TakeUnits(*region, UnitMask(first, units), mobility);
    run = StartRun(region->number * kUnitsPerRegion + first, units);
    filled = region->number;
    collapse = region->free_units == 0 && AskForHuge(*region);
  }
  if (collapse) Collapse(filled);
  return run;
}

Slab* Arena::StartRun(size_t unit, size_t units) {
  for (size_t i = 0; i < units; ++i) {
    Slab* descriptor = new (&table_[unit + i]) Slab;
    descriptor->units_before = static_cast<uint8_t>(i);
  }
  Slab* slab = &table_[unit];
  slab->units = static_cast<uint8_t>(units);
  slab->objects = static_cast<char*>(UnitAddress(unit));
  return slab;
}

Slab* Arena::Carve(Slab* first, size_t total, size_t units) {
  const size_t unit = static_cast<size_t>(first - table_);
  MXA_CHECK(std::has_single_bit(units) && total != 0 && total % units == 0 && unit % units == 0 &&
                unit % kUnitsPerRegion + total <= kUnitsPerRegion,
            "carving into runs that are no aligned powers of two");
  MutexLock lock(&mutex_);
  MXA_CHECK((regions_[unit / kUnitsPerRegion].free_units & UnitMask(unit % kUnitsPerRegion, total)) == 0,
            "carving units that are not in use");
  for (size_t i = 0; i < total; i += first[i].units) {
    MXA_CHECK(first[i].units_before == 0 && i + first[i].units <= total, "carving part of a run");
    MXA_CHECK(first[i].list == nullptr && first[i].maps == nullptr, "carving a run that a cache still uses");
  }
  for (size_t i = 0; i < total; i += units) StartRun(unit + i, units);
  return first;
}

void Arena::FreeRuns(std::vector<Slab*>& runs) {
  LeaveHuge(runs);
  std::sort(runs.begin(), runs.end());
  for (size_t i = 0; i < runs.size();) {
    char* start = runs[i]->objects;
    MXA_CHECK(start != nullptr, "a run taken back twice");
    char* end = start;
    for (; i < runs.size() && runs[i]->objects == end; ++i) end += runs[i]->units * kUnitSize;
    MXA_CHECK(madvise(start, static_cast<size_t>(end - start), MADV_DONTNEED) == 0, "cannot give pages back");
  }
  MutexLock lock(&mutex_);
  for (Slab* slab : runs) {
    MXA_CHECK(slab->units != 0, "a run taken back twice");
    const size_t unit = static_cast<size_t>(slab - table_);
    Region& region = regions_[unit / kUnitsPerRegion];
    ReturnUnits(region, UnitMask(unit % kUnitsPerRegion, slab->units));
    slab->state = SlabState::kUnused;
    slab->owner = nullptr;
    if (region.free_units == ~uint32_t{0}) {
      // A descriptor of zeros is an unused one, so the page of a region without slabs can go too.
      MXA_CHECK(madvise(table_ + region.number * kUnitsPerRegion, kTableBytesPerRegion, MADV_DONTNEED) == 0,
                "cannot give descriptors back");
    }
  }
  runs.clear();
}

size_t Arena::UnitsUsedInRegion(size_t region) const {
  MutexLock lock(&mutex_);
  return region < regions_.size() ? regions_[region].used() : 0;
}

size_t Arena::regions_held() const {
  MutexLock lock(&mutex_);
  size_t held = regions_.size();
  for (const RegionsByUse& by_use : by_use_) held -= by_use[0].size();
  return held;
}

size_t Arena::units_held() const {
  MutexLock lock(&mutex_);
  return units_held_;
}

ArenaResidency Arena::Residency() const {
  size_t regions;
  {
    MutexLock lock(&mutex_);
    regions = regions_.size();
  }
  ArenaResidency residency;
  for (size_t i = 0; i < regions; ++i) {
    residency.object_bytes += ResidentBytes(UnitAddress(i * kUnitsPerRegion), kRegionSize);
    residency.descriptor_bytes += ResidentBytes(table_ + i * kUnitsPerRegion, kTableBytesPerRegion);
  }
  return residency;
}

void Arena::LockAllForFork() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  AllArenasMutex().Lock();
  for (Arena* arena = AllArenas().front(); arena != nullptr; arena = AllArenas().next(*arena)) arena->mutex_.Lock();
}

void Arena::ReleaseAllAfterFork(ForkSide side) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  for (Arena* arena = AllArenas().front(); arena != nullptr; arena = AllArenas().next(*arena)) {
    if (side == ForkSide::kChild) {
      // Whoever evacuated blocks, on threads of their own, is not there.
      for (Region& region : arena->regions_) {
        arena->ChangeRegion(region, [&] { region.isolated_units = 0; });
      }
      arena->isolations_ = 0;
      arena->users_ = 0;
    }
    ReleaseAfterFork(arena->mutex_, side);
  }
  ReleaseAfterFork(AllArenasMutex(), side);
}

absl::Status Arena::CheckInvariants() const {
  MutexLock lock(&mutex_);
  size_t held = 0;
  size_t isolated = 0;
  for (const Region& region : regions_) {
    held += region.used();
    const size_t lists = 2 * static_cast<size_t>(region.node) + static_cast<size_t>(region.mobility());
    if (!by_use_[lists][region.used()].contains(region)) {
      return absl::InternalError(absl::StrFormat("A2, A4: region %d of node %d with %d units in use is on another list",
                                                 region.number, region.node, region.used()));
    }
    if ((region.pinned_units & (region.free_units | region.isolated_units)) != 0 ||
        WhollyFreeLocked(region.number) != (region.takable() == ~uint32_t{0})) {
      return absl::InternalError(
          absl::StrFormat("A5: region %d has pinned units that are free or isolated, or is on "
                          "the map of free regions and is not",
                          region.number));
    }
    isolated += region.isolated_units != 0 ? 1 : 0;
    // Relaxed: written under mutex_.
    if (node_of_region_ != nullptr &&
        node_of_region_[region.number].load(std::memory_order_relaxed) != static_cast<uint8_t>(region.node)) {
      return absl::InternalError(
          absl::StrFormat("A4: region %d is bound to another node than %d", region.number, region.node));
    }
    for (size_t i = 0; i < kUnitsPerRegion; ++i) {
      if ((region.free_units >> i & 1) != 0) continue;
      const Slab& descriptor = table_[region.number * kUnitsPerRegion + i];
      const Slab& head = *(&descriptor - descriptor.units_before);
      if ((head.units == 0 || descriptor.units_before >= head.units)) {
        return absl::InternalError(
            absl::StrFormat("A1: unit %d of region %d is in use outside any run", i, region.number));
      }
    }
  }
  if (held != units_held_)
    return absl::InternalError(absl::StrFormat("A3: %d units in use, %d counted", held, units_held_));
  if ((isolated != 0) != (isolations_ != 0))
    return absl::InternalError(absl::StrFormat("A5: %d regions isolated for %d blocks", isolated, isolations_));
  return absl::OkStatus();
}

}  // namespace mxa::slab
