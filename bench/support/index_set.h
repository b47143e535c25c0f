// SPDX-License-Identifier: Apache-2.0
//
// The sets of indices that arrays and their peers are compared on, in two orders each.
//
// The orders are read from memory, eight bytes an operation, one after the other: the same for both sides of a pair, and
// for sets that no formula yields as cheaply as they are read.
#ifndef MXA_BENCH_SUPPORT_INDEX_SET_H_
#define MXA_BENCH_SUPPORT_INDEX_SET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"

namespace mxa::bench {

struct IndexSet {
  std::string name;
  std::vector<uint64_t> ascending;
  std::vector<uint64_t> shuffled;

  size_t size() const { return ascending.size(); }
  absl::Span<const uint64_t> Ascending() const { return ascending; }
  absl::Span<const uint64_t> Shuffled() const { return shuffled; }
};

// 0 .. count - 1.
IndexSet Dense(const std::string& name, size_t count);
// Runs of 16 that begin at random multiples of 16; one index in 64 is taken, on average.
IndexSet Clustered(const std::string& name, size_t count);
// Random numbers of 64 bits.
IndexSet Sparse(const std::string& name, size_t count);

// Every hundredth index, ascending: what is marked.
std::vector<uint64_t> MarkedOf(const IndexSet& set);

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_INDEX_SET_H_
