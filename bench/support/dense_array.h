// SPDX-License-Identifier: Apache-2.0
//
// An array with an entry at every index up to a power of two, in an arena and a node cache of its own.
#ifndef MXA_BENCH_SUPPORT_DENSE_ARRAY_H_
#define MXA_BENCH_SUPPORT_DENSE_ARRAY_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "slab/arena.h"
#include "xarray/array_core.h"
#include "xarray/node_cache.h"

namespace mxa::bench {

// What the arrays of the benchmarks hold at `index`.
constexpr xarray::Entry EntryFor(uint64_t index) { return (index << 1) | 1; }

// An arena and a node cache, for whatever arrays.
struct NodeHome {
  explicit NodeHome(bool huge_pages = false);

  std::unique_ptr<slab::Arena> arena;
  std::unique_ptr<xarray::NodeCache> nodes;
};

class DenseArray {
 public:
  // Entries at 0 .. 2^bits - 1, stored in ascending order.
  explicit DenseArray(unsigned bits, bool huge_pages = false);

  uint64_t size() const { return uint64_t{1} << bits_; }
  unsigned bits() const { return bits_; }
  xarray::ArrayCore& core() { return *core_; }
  slab::Cache& slabs() { return home_.nodes->slabs(); }
  xarray::NodeMover& mover() { return home_.nodes->mover(); }
  slab::Arena& arena() { return *home_.arena; }

 private:
  const unsigned bits_;
  NodeHome home_;
  std::unique_ptr<xarray::ArrayCore> core_;
};

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_DENSE_ARRAY_H_
