// SPDX-License-Identifier: Apache-2.0
//
// One large reservation of addresses, handed out as aligned runs of 64 KiB units inside 2 MiB regions.
//
// Invariants:
//   A1  a unit is free or part of exactly one run; a free unit of a committed region reads as zero when handed out.
//   A2  a region is committed (readable, its descriptors too) from its first use on; its free mask names its free
//       units.
//   A3  regions_held counts the regions with a unit in use.
//   A4  a region with a unit in use is bound to its node, which stays; a region stands on its node's lists.
// Threads: every function from any thread at once; one leaf lock.
// Why not mmap a slab at a time: pointer -> descriptor must be a shift and an add, and the kernel's limit of mappings
// is small.
#ifndef MXA_SLAB_ARENA_H_
#define MXA_SLAB_ARENA_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/fault_injector.h"
#include "base/fork_lock.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "slab/reservation.h"
#include "slab/slab.h"
#include "slab/topology.h"

namespace mxa::slab {

class GuardPool;

inline constexpr size_t kUnitSize = size_t{64} << 10;
inline constexpr size_t kRegionSize = size_t{2} << 20;
inline constexpr size_t kUnitsPerRegion = kRegionSize / kUnitSize;

struct ArenaOptions {
  // Addresses to reserve; halved until the system agrees, down to `min_reserve_bytes`. Reserving costs no memory.
  size_t reserve_bytes = size_t{256} << 30;
  size_t min_reserve_bytes = size_t{64} << 20;
  // Back new regions with 2 MiB pages where the kernel lets us ask. Giving single slabs back splits them.
  bool huge_pages = false;
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
  // fullest region of `node` that has them. A node that has none gets a region: one that is wholly free, of whichever
  // node, or a new one. kAnyNode: the current node, and in its stead the others, each in turn. Null when the reservation
  // is used up, the system refuses memory, or ArenaOptions::faults says so; nothing has changed then.
  //
  // REQUIRES: node is kAnyNode or in [0, topology().nodes()).    (CHECKed)
  // Context: takes the arena's leaf lock; may make system calls.
  Slab* AllocateRun(size_t units, int node = kAnyNode);

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
    int node = 0;
  };

  // Of each node, the regions by the number of their units in use.
  using RegionsByUse = std::array<IntrusiveList<Region>, kUnitsPerRegion + 1>;

  Arena();
  void SetTopology(const Topology& topology);
  Region* CommitRegion(int node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  RegionsByUse& ByUse(const Region& region) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return by_use_[static_cast<size_t>(region.node)];
  }
  // Gives a wholly free region of another node to `node`. Null when there is none or the system refuses.
  Region* RebindRegion(int node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Binds a region's units where there are several nodes.
  bool BindUnits(size_t number, int node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Region* ChooseRegion(size_t units, int node, size_t* first_unit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes `units` units from number `unit` on one run with fresh descriptors.
  Slab* StartRun(size_t unit, size_t units) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Sets or clears `units` units of `region` from `first` on in its free mask and puts it on the right list.
  void UpdateRegion(Region& region, size_t first, size_t units, bool free) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void* UnitAddress(size_t unit) const { return reinterpret_cast<void*>(base_ + unit * kUnitSize); }

  static constexpr size_t kGuardBytes = size_t{2} << 20;

  Reservation units_;
  Reservation descriptors_;
  std::once_flag guards_made_;
  std::unique_ptr<GuardPool> guards_;
  uintptr_t base_ = 0;
  size_t reserved_ = 0;
  Slab* table_ = nullptr;  // a descriptor a unit, committed with its region
  bool huge_pages_ = false;
  FaultInjector* faults_ = nullptr;
  const Topology* topology_ = nullptr;
  // By region; null where there is one node.
  std::unique_ptr<std::atomic<uint8_t>[]> node_of_region_;
  std::atomic<size_t> committed_{0};  // bytes from base_ on
  mutable Mutex mutex_;
  std::deque<Region> regions_ ABSL_GUARDED_BY(mutex_);        // the committed ones, in address order
  std::vector<RegionsByUse> by_use_ ABSL_GUARDED_BY(mutex_);  // by node
  size_t units_held_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_ARENA_H_
