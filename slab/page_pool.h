// SPDX-License-Identifier: Apache-2.0
//
// A reserve of runs of units that the caches of one subsystem share, for allocations that must not fail.
//
// The pool keeps blocks of the largest run it has to serve and cuts them buddy-wise, so that every slab order is served
// and what comes back merges. What makes it a guarantee: the pages of the reserve are there (written once, never given
// to the system while in the reserve, locked if asked), they are cleared when they come back, not when they are handed
// out, and taking a run asks neither the arena nor the system nor the heap for anything. Not covered: after fork() the
// first write to a page is a copy, which needs another one.
//
// Forward progress holds only if users free what they took from the pool without needing more of it first: one run at a
// time a task, and no two of one pool in a chain. Otherwise all of them hold a part and wait for the rest.
//
// Invariants:
//   P1  every block is a run of largest_run_units() units of the arena; each of its units is in the reserve or out
//       (coming back counts as out), and `held` and `out` count them.
//   P2  a unit in the reserve is resident, reads as zero, and has a descriptor of its own that belongs to nobody.
//   P3  nobody waits for a run that the reserve could give: who makes room hands it to the first waiter it fits.
//   P4  the reserve holds no surplus: a whole block goes back to the arena as soon as the target is held without it.
//   P5  B1 and B2 (buddy_block.h) for every block.
// Threads: every function but the destructor from any thread at once; one leaf lock, under which nothing is called.
// Why not a reserve in each cache: dozens of reserves for one subsystem, each sized for its worst case.
// Why not single units only: the guarantee would be gone, without a word, for caches with larger slabs.
//
// Source of the idea: mempool, and the critical mempools proposed for it in 2006.
#ifndef MXA_SLAB_PAGE_POOL_H_
#define MXA_SLAB_PAGE_POOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "slab/arena.h"
#include "slab/buddy_block.h"
#include "slab/slab.h"

namespace mxa::slab {

struct PagePoolOptions {
  std::string name;  // for messages
  // Where the units come from, and the surplus goes; null: Arena::Default(). Outlives the pool.
  Arena* arena = nullptr;
  // The target: units of 64 KiB to keep in the reserve; rounded up to whole blocks. 0: the pool lends only what it is
  // offered.
  size_t min_units = 0;
  // Units of the largest slab to serve, a power of two up to kUnitsPerRegion: the size of a block.
  size_t largest_run_units = 1;
  // Also mlock() the reserve. Without it the system may swap its pages out, and needs memory to bring them back.
  bool lock_pages = false;
};

struct PagePoolStats {
  size_t target_units = 0;
  size_t held_units = 0;  // in the reserve
  size_t out_units = 0;   // of the pool's blocks, not in the reserve
  size_t waiters = 0;     // threads waiting now
  uint64_t takes = 0;     // runs handed out
  uint64_t waits = 0;     // times that a thread had to wait
  uint64_t timeouts = 0;  // of these, for nothing
};

class PagePool {
 public:
  // Fills the reserve, or fails.
  //
  // Context: as AllocateRun of the arena, a block at a time.
  // Errors: kResourceExhausted, naming how much it got, when the arena or the system has no more; then nothing is kept.
  // kInvalidArgument for impossible sizes.
  static absl::StatusOr<std::unique_ptr<PagePool>> Create(const PagePoolOptions& options);

  // Gives the reserve back to the arena. REQUIRES: nothing is out and nobody waits.    (CHECKed)
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  // Takes a run of `units` (a power of two up to largest_run_units()) zeroed, resident units out of the reserve; null
  // when the reserve has none. It looks like one of Arena::AllocateRun, but must come back through Put.
  //
  // Context: any that may take leaf locks; no waiting, no allocation, no system call.
  Slab* Take(size_t units);

  // The same, waiting up to `timeout` for somebody's Put, Offer, Refill or Resize. Among waiters that a free run fits,
  // the one that came first gets it; a waiter for a large run may be passed by smaller ones.
  // REQUIRES: reclaim::MayReclaim(), and no read section is open.    (CHECKed)
  //
  // Context: waits; offline meanwhile (reclaim/rcu.h).
  Slab* TakeWaiting(size_t units, absl::Duration timeout);

  // Takes back a run: clears it, refills the reserve with it, serves waiters; whole blocks above the target go to the
  // arena.
  // REQUIRES: `run` came from this pool and is out, with the units it was taken with, on no list, its maps freed.
  // (CHECKed)
  //
  // Context: any that may take leaf locks; makes system calls only for the surplus.
  void Put(Slab* run);

  // Shows the pool ordinary runs on their way to the arena. It keeps what it is short of, clears that, and takes it out
  // of `runs`; the rest, which may have been cut into more runs, is still the caller's to free. True if it kept any.
  // Runs smaller than a block are of no use to it: the neighbours they would need belong to others.
  // REQUIRES: `runs` are of this arena and ready for Arena::FreeRuns.
  //
  // Context: as Arena::FreeRuns.
  bool Offer(std::vector<Slab*>& runs);

  // Asks the arena for what the reserve lacks, and for what is waited for. To be called when pressure ends.
  //
  // Context: as Create.
  // Errors: kResourceExhausted when it stays short, naming what it holds.
  absl::Status Refill();

  // Sets the target. Shrinking gives surplus back at once, and the rest as runs come back; growing asks the arena.
  //
  // Context: as Create.
  // Errors: kResourceExhausted when growing fell short, naming what it holds: the target stands, and later Put, Offer
  // and Refill fill it. kInvalidArgument, and nothing changed, for more than the arena reserves.
  absl::Status Resize(size_t units);

  const std::string& name() const { return options_.name; }
  Arena& arena() const { return arena_; }
  size_t largest_run_units() const { return options_.largest_run_units; }
  PagePoolStats Stats() const;

  // P1 to P5, but for the residency of P2 (it may be swapped out). Reads the whole reserve.
  absl::Status CheckInvariants() const;

 private:
  struct Block {
    char* start;
    BuddyBlock units;
  };
  struct Waiter : ListLink {
    explicit Waiter(size_t run_units) : units(run_units) {}
    const size_t units;
    char* start = nullptr;  // set by whoever serves it, who also takes it off the list
    CondVar served;
  };

  PagePool(const PagePoolOptions& options, Arena& arena) : options_(options), arena_(arena) {}

  size_t RoundedUp(size_t units) const;
  // Makes the pages of a block resident and zero, and locks them.
  absl::Status MakeReady(char* start) const;
  // The run of `units` units that begins at `start`, none of which anybody else uses.
  Slab* AsRun(char* start, size_t units) const;
  // Puts a ready block into the reserve.
  void Adopt(Slab* block);
  absl::Status AddBlock();
  void GiveBack(const std::vector<char*>& blocks);
  // Blocks that the target and the waiters lack.
  size_t MissingBlocks() const;

  Block* BlockOf(const char* address) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  char* TakeLocked(size_t units) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ServeWaitersLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Removes whole blocks above the target, for GiveBack when the lock is released.
  std::vector<char*> RemoveSurplusLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const PagePoolOptions options_;
  Arena& arena_;

  mutable Mutex mutex_;
  std::vector<Block> blocks_ ABSL_GUARDED_BY(mutex_);  // in address order
  mutable IntrusiveList<Waiter> waiters_ ABSL_GUARDED_BY(mutex_);
  size_t target_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t held_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t takes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t waits_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t timeouts_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_PAGE_POOL_H_
