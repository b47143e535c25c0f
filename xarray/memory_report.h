// SPDX-License-Identifier: Apache-2.0
//
// Why an array uses as much memory as it does, and whether a pass would help: its nodes by height, and where they lie.
//
//   std::puts(mxa::xarray::MemoryText(mxa::xarray::ReportMemory(pages.core())).c_str());
//
//   9187 entries, 0 reserved, in 7209 nodes: 4152384 bytes, 452.0 an entry
//   height 1: 6959 nodes, 9187 of 445376 slots in use (2.1 %)
//   height 2: 245 nodes, 6959 of 15680 slots in use (44.4 %)
//   height 3: 4 nodes, 245 of 256 slots in use (95.7 %)
//   height 4: 1 node, 4 of 64 slots in use (6.2 %)
//   in 141 slabs of 65536 bytes in 8 regions; 64 slabs would do
//   answers for 9.2 MB of them; a pass may save up to 5.1 MB; 0 nodes alone in a slab
//
// Sparse leaves are the user's choice of indices, and no pass helps there; sparse slabs are what was erased, and a pass
// does.
#ifndef MXA_XARRAY_MEMORY_REPORT_H_
#define MXA_XARRAY_MEMORY_REPORT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "xarray/array_core.h"
#include "xarray/entry.h"

namespace mxa::xarray {

// Plain data. Bytes are those of the node cache: neither the array itself nor what entries point to.
struct ArrayMemory {
  struct Level {
    size_t nodes = 0;
    uint64_t slots_in_use = 0;  // not null
  };

  // --- The tree.

  std::array<Level, kMaxHeight + 1> levels{};  // by height; 1: the leaves
  uint64_t entries = 0;                        // one in the head too
  uint64_t reserved = 0;

  size_t nodes() const;
  size_t node_bytes() const;
  double bytes_per_entry() const;  // 0 without entries
  double leaf_fill() const;        // the part of the leaves' slots in use, 0 to 1

  // --- Where the nodes lie.

  size_t slab_size = 0;      // bytes of one
  size_t slab_capacity = 0;  // nodes that fit into one
  size_t slabs = 0;          // with a node of the array
  size_t regions = 0;        // 2 MiB each, with such a slab
  size_t guarded = 0;        // nodes between guard pages, which lie in no slab
  size_t alone = 0;          // nodes beside which nothing is allocated from their slab
  // Of the bytes of those slabs, what this array answers for: the part of what is allocated from a slab that is its own.
  // What threads' sheaves hold counts as allocated, and as others'.
  double share_bytes = 0;

  // As few slabs as can hold the nodes, and what packing all nodes of the cache as densely as that would save of the
  // share: the most that a pass can do for this array.
  size_t slabs_needed() const;
  double savable_bytes() const;
};

// Reads the array as a reader does, so that writers and passes go on; 16 M entries side by side take some 90 ms.
// Not a snapshot: each node is as it was at one moment of the call. The tree's figures are exact when nobody changes the
// array meanwhile, its nodes moving or not; where the nodes lie is exact when none moves, too, and nothing is retired.
// Context: any thread, but not under a lock of the slab layer; opens read sections of its own and a new one every few
// thousand slots, so that a large report holds up no grace period (unless the caller has a section open); holds the
// lists' lock of the cache once, for some nanoseconds a slab.
ArrayMemory ReportMemory(const ArrayCore& array);

// A few lines, as above.
std::string MemoryText(const ArrayMemory& memory);

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_MEMORY_REPORT_H_
