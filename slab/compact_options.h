// SPDX-License-Identifier: Apache-2.0
//
// What one pass over a cache may do.
#ifndef MXA_SLAB_COMPACT_OPTIONS_H_
#define MXA_SLAB_COMPACT_OPTIONS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mxa::slab {

struct CompactOptions {
  enum class Mode {
    kPack,  // empty slabs as long as that frees more than it uses
    // Evacuate every slab once, whatever it gains: for tests and to keep readers honest. The slabs it needed beyond the others
    // stay with the cache, as those do that frees leave empty.
    kMoveEverything,
    kMoveToNode,  // evacuate the slabs of from_node to to_node
    kBalance,     // move from the fullest node to the emptiest until they differ by less than a slab's objects
    kOrder,       // move all to new slabs, in the order their owner gives (Movable::Order): memory for a second copy
    kEvacuate,    // empty every slab that reaches into the range below, whatever it gains; destinations lie outside
  };
  Mode mode = Mode::kPack;

  // For kMoveToNode, by the numbers of the arena's Topology; from_node -1: from all others. Objects stay where they are
  // when to_node has no room for them. The other modes leave each object on its node or, like kBalance, look by
  // themselves.
  int from_node = -1;
  int to_node = -1;

  // For kEvacuate: addresses of the cache's arena, from whose free units nobody is handed anything meanwhile.
  uintptr_t range_begin = 0;
  uintptr_t range_end = 0;

  // For kPack: slabs fuller than this stay, 1 being full. Moving out of a nearly empty slab gains most for each object; a
  // caller who raises it from pass to pass, as long as one gains too little, spends no more than he must. Below 1 no full slab
  // goes for the sake of its region either.
  double max_occupancy = 1;
  // For kPack: ends with this many times the slabs that the live objects need, when it can, instead of as few as
  // possible: the last slabs cost most.
  double target_ratio = 1;

  // Objects moved for one grace period. A pass doubles that, up to the second figure, each time a batch waits for the grace
  // period of the one before the last. Small batches need less memory, and find in their caches what the one before them
  // has just left.
  size_t batch_objects = 1200;
  size_t most_batch_objects = 4000;

  // Longest stretch of work before others get a chance to run; one object may exceed it, or the end of a batch that the pass
  // settles itself: up to 8 slabs that go back, or a batch's old places constructed anew.
  uint64_t slice_ns = 1'000'000;
  // Of one core, the share that the pass's own thread works, 1 to 100; it sleeps between slices for the rest.
  int duty_percent = 100;

  // For kPack: ends after the batch under way once it has worked this long since it chose its victims, but not before it has
  // emptied a slab; 0: no limit. Each batch gives back what it emptied, and another pass goes on from there.
  uint64_t work_limit_ns = 0;

  // When set and true, the pass ends after the object it is at; what was moved stays moved.
  const std::atomic<bool>* cancel = nullptr;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_COMPACT_OPTIONS_H_
