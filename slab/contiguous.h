// SPDX-License-Identifier: Apache-2.0
//
// Contiguous memory on demand: a block of an arena, made free by moving away what is in it, or the exact reason why not.
//
//   ContiguousResult result = AllocateContiguous(arena, size_t{2} << 20, absl::Now() + absl::Milliseconds(50));
//   if (!result.verdict.granted()) return Report(result.verdict.Text());
//   ...
//   FreeContiguous(arena, result.block);
//
// When no free block of the size is there, the one that is cheapest to empty is isolated in the arena, so that nobody is
// handed anything of it; passes over the movable caches with slabs in it move what lives there; and after their grace
// period it is taken. A block that does not come free is let go, and the next cheapest has its turn.
//
// Threads: both functions from any thread at once. Requests never evacuate overlapping blocks; two that want the same one
// share the arena by each taking another.
//   AllocateContiguous x readers, writers, Allocate, Free: at once; these notice a pass, and nothing of the block.
//   AllocateContiguous x Compact of a cache: one at a time a cache; the request tries again until its deadline.
//   AllocateContiguous x destroying a cache: the destructor waits for the pass under way.
// Fork: the child has the blocks that were out, and none of the requests under way.
// Progress: blocking. Readers never wait; a reader that does not end its section holds the block up, and is named.
#ifndef MXA_SLAB_CONTIGUOUS_H_
#define MXA_SLAB_CONTIGUOUS_H_

#include <atomic>
#include <cstddef>

#include "absl/time/time.h"
#include "slab/arena.h"
#include "slab/contiguous_verdict.h"

namespace mxa::slab {

inline constexpr size_t kLeastContiguous = size_t{4} << 10;
inline constexpr size_t kMostContiguous = size_t{1} << 30;

struct [[nodiscard]] ContiguousResult {
  void* block = nullptr;
  ContiguousVerdict verdict;
};

// Returns a block of `bytes` bytes, a power of two from kLeastContiguous to kMostContiguous, aligned to its size, reading
// as zeroes; or null and what was in the way.
//
// Blocks of less than 64 KiB share units with others of their kind. Larger ones are units, and from 2 MiB on regions, of
// their own. Pages come when they are written to; with ArenaOptions::huge_pages as huge ones.
// A free block is handed out whatever the deadline. Memory that no pass can move and memory that is missing are told at
// once: waiting would not change them. All else is tried again until `deadline`, or until `*cancel` is true (null:
// never). On every failure the arena is as before, but for what has moved elsewhere.
//
// REQUIRES: reclaim::MayReclaim(), and no read section is open.    (CHECKed)
// Context: waits, for grace periods too; may start a thread.
ContiguousResult AllocateContiguous(Arena& arena, size_t bytes, absl::Time deadline = absl::InfiniteFuture(),
                                    const std::atomic<bool>* cancel = nullptr);

// Gives a block back, its pages too. No reader may still look at it.
// REQUIRES: AllocateContiguous returned it for this arena, and it is out.    (CHECKed)
//
// Context: as Arena::FreeRuns.
void FreeContiguous(Arena& arena, void* block);

}  // namespace mxa::slab

#endif  // MXA_SLAB_CONTIGUOUS_H_
