// SPDX-License-Identifier: Apache-2.0
//
// Runs random operations on an array and on a std::map at once, and tells the first difference.
//
// Threads: one thread's; prove the array so before others come in.
#ifndef MXA_TESTS_SUPPORT_ARRAY_MODEL_H_
#define MXA_TESTS_SUPPORT_ARRAY_MODEL_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/support/random.h"
#include "xarray/array_core.h"
#include "xarray/node_cache.h"

namespace mxa::tests {

// Where the indices of a run come from.
enum class IndexShape { kDense, kClustered, kSparse, kExtreme };

struct ArrayOp {
  enum class Kind { kStore, kErase, kInsert, kCompareExchange, kSetMark, kClearMark, kMoveNode, kMovePass, kClear };
  Kind kind;
  uint64_t index;
  uint64_t value;
  xarray::Mark mark;

  std::string ToString() const;
};

class ArrayModel {
 public:
  // With `moves`, nodes move between operations, alone and in passes.
  ArrayModel(uint64_t seed, IndexShape shape, bool moves, xarray::NodeCache& nodes);

  // Runs `count` operations; compares everything after every `check_every`th. The error names the seed and the
  // operations that led to it.
  absl::Status Run(int count, int check_every);

  // Everything the array can be asked, against the map; its invariants.
  absl::Status Compare();

 private:
  struct Held {
    xarray::Entry entry;
    unsigned marks;
  };

  uint64_t PickIndex();
  ArrayOp PickOp();
  absl::Status Apply(const ArrayOp& op);
  absl::Status ApplyMark(const ArrayOp& op);
  absl::Status Move(const ArrayOp& op);
  absl::Status CompareMany();
  absl::Status CompareWalk(const xarray::Mark* mark);
  absl::Status WithHistory(const absl::Status& status) const;
  xarray::Entry Expected(uint64_t index) const;
  void Keep(uint64_t index, xarray::Entry entry);

  const uint64_t seed_;
  const IndexShape shape_;
  const bool moves_;
  xarray::NodeCache& nodes_;
  Random random_;
  xarray::ArrayCore array_;
  std::map<uint64_t, Held> oracle_;
  std::vector<ArrayOp> history_;
};

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_ARRAY_MODEL_H_
