// SPDX-License-Identifier: Apache-2.0
//
// One large reservation of addresses, handed out as aligned runs of 64 KiB units inside 2 MiB regions.
//
// Invariants:
//   A1  a unit is free or part of exactly one run; a free unit of a committed region reads as zero when handed out.
//   A2  a region is committed (readable, its descriptors too) from its first use on; its free mask names its free
//       units.
//   A3  regions_held counts the regions with a unit in use.
//   A4  a region with a unit in use is bound to its node, which stays; a region stands on the list of its node, its class
//       and its use.
//   A5  no unit of an isolated block is handed out; a block that was isolated holds no pinned unit, and none gets into it.
// Threads: every function from any thread at once; one leaf lock.
// Grouping: what cannot move is kept together (Mobility), runs come from the fullest region of their class, a new region
// is the lowest free one, and blocks are evacuated from the highest down (block_choice.h): so free space grows together.
// Why not mmap a slab at a time: pointer -> descriptor must be a shift and an add, and the kernel's limit of mappings
// is small.
#ifndef MXA_SLAB_ARENA_H_
#define MXA_SLAB_ARENA_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/fault_injector.h"
#include "base/fork_lock.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "slab/page_runs.h"
#include "slab/reservation.h"
#include "slab/slab.h"
#include "slab/topology.h"
#include "slab/unit_block.h"

namespace mxa::slab {

class GuardPool;

struct ArenaOptions {
  // Addresses to reserve; halved until the system agrees, down to `min_reserve_bytes`. Reserving costs no memory.
  size_t reserve_bytes = size_t{256} << 30;
  size_t min_reserve_bytes = size_t{64} << 20;
  // When to ask the kernel for pages of 2 MiB, where it has them.
  enum class HugePages {
    kNever,
    kWhenFull,  // a region gets one when its last unit is handed out, and keeps it until one of its units is given back
    kAtOnce,    // every region from its first use on: fastest to fill, but the rest of a sparse one is resident too
  };
  HugePages huge_pages = HugePages::kNever;
  // Says which calls of AllocateRun find no memory, for tests of what happens then. Outlives the arena.
  FaultInjector* faults = nullptr;
  // The nodes that regions are bound to; null: Topology::System(). Outlives the arena.
  const Topology* topology = nullptr;
};

// Bytes the kernel holds for an arena, as the kernel tells them.
struct ArenaResidency {
  size_t object_bytes = 0;      // pages of units
  size_t descriptor_bytes = 0;  // pages of the side table
  size_t total() const { return object_bytes + descriptor_bytes; }
};

class Arena : public ListLink {
 public:
  // Errors: kResourceExhausted when not even the smallest reservation is granted, kInvalidArgument for impossible
  // sizes.
  static absl::StatusOr<std::unique_ptr<Arena>> Create(const ArenaOptions& options = {});

  // The arena that caches use unless told otherwise; lives until the process ends.
  static Arena& Default();

  // REQUIRES: every run has been given back.    (CHECKed)
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Hands out `units` (a power of two up to kUnitsPerRegion) neighbouring zeroed units, aligned to their size, from the
  // fullest region of `node` that has them among those of the same mobility: a region is unmovable as long as it holds
  // an unmovable run. When there is none the node gets a region: one that is wholly free, of whichever node, or a new
  // one; and only when there is none of these either, the other class gives. kAnyNode: the current node, and in its
  // stead the others, each in turn. Null when the reservation is used up, the system refuses memory, or
  // ArenaOptions::faults says so; nothing has changed then.
  //
  // REQUIRES: node is kAnyNode or in [0, topology().nodes()).    (CHECKed)
  // Context: takes the arena's leaf lock; may make system calls.
  Slab* AllocateRun(size_t units, int node = kAnyNode, Mobility mobility = Mobility::kUnmovable);

  // Makes a run unmovable for its new user, who got it from another than the arena. False when it lies in a block that
  // is isolated: it has to go back to the arena then.
  bool Pin(const Slab* run);

  // Takes runs back; their pages go back to the system in as few calls as their neighbourhood allows.
  void FreeRuns(std::vector<Slab*>& runs);

  // Cuts `total` neighbouring units, which lie in whole runs of the caller's, anew into runs of `units` units each, and
  // returns the first. Their descriptors are as AllocateRun leaves them; their pages stay and keep what they hold.
  // REQUIRES: `units` is a power of two that divides `total`, `first` is aligned to it, and nobody else uses or looks up
  // these units meanwhile.    (alignment and run borders CHECKed)
  //
  // Context: takes the arena's leaf lock, so that A1 holds whenever somebody checks it.
  Slab* Carve(Slab* first, size_t total, size_t units);

  // Objects between pages that fault, for sampled allocations; made when first asked for. They lie above all slabs.
  GuardPool& Guards();
  bool InGuards(const void* object) const { return reinterpret_cast<uintptr_t>(object) - slabs_end() < kGuardBytes; }

  // The descriptor of the slab that `object` lies in. REQUIRES: Contains(object) and the unit is in use.
  Slab* SlabOf(const void* object) const {
    Slab* unit = &table_[(reinterpret_cast<uintptr_t>(object) - base_) / kUnitSize];
    return unit - unit->units_before;
  }
  // Whether `object` lies in a committed region, so that it has a descriptor.
  bool Contains(const void* object) const {
    return reinterpret_cast<uintptr_t>(object) - base_ < committed_.load(std::memory_order_relaxed);
  }

  // Number of the 2 MiB region that `slab` lies in, and how many of that region's units are in use.
  size_t RegionOf(const Slab* slab) const { return static_cast<size_t>(slab - table_) / kUnitsPerRegion; }
  size_t UnitsUsedInRegion(size_t region) const;
  // Units in use of each committed region, by number.
  std::vector<uint8_t> UnitsUsed() const;

  // --- Blocks: for contiguous.h, whose functions wait and evacuate; these do neither (arena_blocks.cc) ---

  // How each committed region is used, by number; a bit a unit.
  struct RegionUse {
    uint32_t free = 0;
    uint32_t pinned = 0;    // in use by something that a pass cannot move away
    uint32_t isolated = 0;  // part of a block that is being emptied
  };
  std::vector<RegionUse> Use() const;

  // Takes a free block of `units` units, a power of two, aligned to its size by address: nullopt when there is none.
  // Its pages read as zero. Context: as AllocateRun.
  std::optional<UnitBlock> TakeBlock(size_t units);
  // Keeps the units of a block from being handed out: what is freed there collects. False when a unit of it is pinned,
  // isolated already, or cannot be committed; nothing has changed then. Whoever isolates ends it: block_isolation.h.
  bool IsolateBlock(UnitBlock block);
  void EndIsolation(UnitBlock block);
  // Whether all units of a block are free.
  bool IsFree(UnitBlock block);
  // Takes an isolated block as TakeBlock does and ends its isolation; false when a unit of it is in use.
  bool TakeIsolated(UnitBlock block);
  // Gives a block back that was taken. False when none that is out begins at `start`.
  bool FreeBlock(const void* start);

  // Blocks of 1, 2, 4 or 8 pages of 4 KiB, cut from units that were taken as blocks. Null when those given by AddPages
  // have no room. FreePages gives a unit back with its last page.
  void* TakePages(size_t pages);
  void AddPages(UnitBlock unit);
  bool FreePages(void* start);

  void* AddressOf(UnitBlock block) const { return UnitAddress(block.first); }
  // The unit that `address` lies in. REQUIRES: Contains(address).
  UnitBlock UnitOf(const void* address) const {
    return {(reinterpret_cast<uintptr_t>(address) - base_) / kUnitSize, 1};
  }
  // The number of the first unit from which a block of `units` units is aligned to its size by address.
  size_t FirstAligned(size_t units) const;
  size_t units_reserved() const { return reserved_ / kUnitSize; }
  // Blocks isolated right now.
  size_t isolations() const;

  // The destructor waits for whoever has begun to use the arena on a thread of its own.
  void BeginUse();
  void EndUse();

  const Topology& topology() const { return *topology_; }
  // The node of a slab in use.
  int NodeOf(const Slab* slab) const {
    if (node_of_region_ == nullptr) return 0;
    // Relaxed: a region's node changes only while no unit of it is in use, and whoever has a slab of it got that, by
    // whatever way, from the thread that allocated the run under mutex_.
    return node_of_region_[RegionOf(slab)].load(std::memory_order_relaxed);
  }

  size_t regions_held() const;
  size_t units_held() const;
  size_t reserved_bytes() const { return reserved_; }
  // Every object of every slab lies below this address.
  uintptr_t slabs_end() const { return base_ + reserved_; }
  ArenaResidency Residency() const;

  absl::Status CheckInvariants() const;

  // For forks (fork.cc): the locks of all arenas.
  static void LockAllForFork();
  static void ReleaseAllAfterFork(ForkSide side);

 private:
  struct Region : ListLink {
    size_t number = 0;
    uint32_t free_units = 0;  // bit i: unit i is free
    uint32_t pinned_units = 0;
    uint32_t isolated_units = 0;
    int node = 0;
    bool huge = false;  // the kernel was asked for huge pages
    size_t used() const { return kUnitsPerRegion - static_cast<size_t>(std::popcount(free_units)); }
    uint32_t takable() const { return free_units & ~isolated_units; }
    Mobility mobility() const { return pinned_units != 0 ? Mobility::kUnmovable : Mobility::kMovable; }
  };

  // Of each node and class, the regions by the number of their units in use.
  using RegionsByUse = std::array<IntrusiveList<Region>, kUnitsPerRegion + 1>;

  Arena();
  void SetTopology(const Topology& topology);
  Region* CommitRegion(int node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  RegionsByUse& ByUse(int node, Mobility mobility) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return by_use_[2 * static_cast<size_t>(node) + static_cast<size_t>(mobility)];
  }
  IntrusiveList<Region>& ListOf(const Region& region) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return ByUse(region.node, region.mobility())[region.used()];
  }
  // The fullest region on these lists with room for a run, at least `least_used` of its units in use.
  Region* FullestWithRoom(RegionsByUse& by_use, size_t units, size_t least_used, size_t* first_unit)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The lowest wholly free region that is of `node`, or, with `other`, of another one. Null when there is none.
  Region* LowestFree(int node, bool other) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Gives a wholly free region of another node to `node`. Null when there is none or the system refuses.
  Region* RebindRegion(int node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Binds a region's units where there are several nodes.
  bool BindUnits(size_t number, int node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Region* ChooseRegion(size_t units, int node, Mobility mobility, size_t* first_unit)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Changes a region by `change` and puts it on the right list.
  template <typename Change>
  void ChangeRegion(Region& region, Change change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ListOf(region).Remove(region);
    change();
    ListOf(region).PushFront(region);
    const uint64_t bit = uint64_t{1} << region.number % 64;
    const bool free = region.takable() == ~uint32_t{0};
    free_regions_[region.number / 64] =
        free ? free_regions_[region.number / 64] | bit : free_regions_[region.number / 64] & ~bit;
  }
  // Makes `units` units from number `unit` on one run with fresh descriptors.
  Slab* StartRun(size_t unit, size_t units) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeUnits(Region& region, uint32_t mask, Mobility mobility) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReturnUnits(Region& region, uint32_t mask) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Commits all regions up to and with `number`; false when the system refuses.
  bool CommitTo(size_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Calls `visit(region, mask)` for the part of a block that lies in each region; stops when that says false.
  template <typename Visit>
  bool EachRegionOf(UnitBlock block, Visit visit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A region that may be part of a block of several.
  bool WhollyFreeLocked(size_t number) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes runs of a block whose units have been taken, and enters it among those that are out.
  void StartBlock(UnitBlock block) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // arena_huge.cc: ask for a huge page for a region that has just been filled, true if it was the first time since it was
  // full; make the kernel copy it into one, if there is one to be had; and end that, for regions whose units go back.
  bool AskForHuge(Region& region) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Collapse(size_t region) const;
  void LeaveHuge(const std::vector<Slab*>& runs);
  void* UnitAddress(size_t unit) const { return reinterpret_cast<void*>(base_ + unit * kUnitSize); }

  static constexpr size_t kGuardBytes = size_t{2} << 20;

  Reservation units_;
  Reservation descriptors_;
  std::once_flag guards_made_;
  std::unique_ptr<GuardPool> guards_;
  uintptr_t base_ = 0;
  size_t reserved_ = 0;
  Slab* table_ = nullptr;  // a descriptor a unit, committed with its region
  ArenaOptions::HugePages huge_pages_ = ArenaOptions::HugePages::kNever;
  FaultInjector* faults_ = nullptr;
  const Topology* topology_ = nullptr;
  // By region; null where there is one node.
  std::unique_ptr<std::atomic<uint8_t>[]> node_of_region_;
  std::atomic<size_t> committed_{0};  // bytes from base_ on
  mutable Mutex mutex_;
  std::deque<Region> regions_ ABSL_GUARDED_BY(mutex_);        // the committed ones, in address order
  std::vector<RegionsByUse> by_use_ ABSL_GUARDED_BY(mutex_);  // by node and class
  std::vector<uint64_t> free_regions_
      ABSL_GUARDED_BY(mutex_);  // bit: the region is wholly free, and nothing of it isolated
  std::map<size_t, size_t> blocks_ ABSL_GUARDED_BY(mutex_);  // those that are out: their first unit, and how many
  PageRuns page_runs_ ABSL_GUARDED_BY(mutex_);               // of these, the units cut into pages
  size_t units_held_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t isolations_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t users_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_ARENA_H_
