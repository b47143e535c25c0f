// SPDX-License-Identifier: Apache-2.0
//
// Runs a program on an Ida and on a map of runs of IDs at once, and tells the first difference.
//
// Threads: one thread's.
#ifndef MXA_TESTS_FUZZ_IDA_MACHINE_H_
#define MXA_TESTS_FUZZ_IDA_MACHINE_H_

#include <cstdint>
#include <map>
#include <optional>

#include "absl/status/status.h"
#include "tests/fuzz/ida_program.h"
#include "xarray/id_bitmap_cache.h"
#include "xarray/id_limit.h"
#include "xarray/ida.h"
#include "xarray/node_cache.h"

namespace mxa::fuzz {

// OK, or what differed and the lines of the program up to there.
absl::Status RunIdaProgram(const IdaProgram& program, xarray::NodeCache& nodes, xarray::IdBitmapCache& bitmaps);

// IDs that are allocated.
class IdRuns {
 public:
  bool Contains(uint64_t id) const;
  std::optional<uint64_t> LowestFree(xarray::IdLimit limit) const;
  std::optional<uint64_t> Lowest(xarray::IdLimit limit) const;
  // REQUIRES: it is not there.
  void Add(uint64_t id);
  // REQUIRES: it is there.
  void Remove(uint64_t id);

  std::map<uint64_t, uint64_t>& runs() { return runs_; }
  const std::map<uint64_t, uint64_t>& runs() const { return runs_; }

 private:
  // The run that `id` is in, or end().
  std::map<uint64_t, uint64_t>::const_iterator Find(uint64_t id) const;

  std::map<uint64_t, uint64_t> runs_;  // first and last; no two touch
};

class IdaMachine {
 public:
  IdaMachine(xarray::NodeCache& nodes, xarray::IdBitmapCache& bitmaps) : nodes_(nodes), ida_(nodes, bitmaps) {}

  // OK, or what differed.
  absl::Status Run(const IdaStep& step);
  void MoveAll();
  // Everything the Ida can be asked about what is there; its invariants.
  absl::Status Compare();

 private:
  absl::Status Allocate(xarray::IdLimit limit);
  absl::Status Free(uint64_t id);

  xarray::NodeCache& nodes_;
  xarray::Ida ida_;
  IdRuns oracle_;
};

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_IDA_MACHINE_H_
