// SPDX-License-Identifier: Apache-2.0
//
// A program of operations on one array, as a fuzzer writes it: decoded from any bytes, printed as C++.
//
// The bytes are read one after the other, and every value of each means something, so that a fuzzer which changes one
// changes one step. Indices lie in 16 stretches of 256, where trees change their height and nodes begin and end.
#ifndef MXA_TESTS_FUZZ_ARRAY_PROGRAM_H_
#define MXA_TESTS_FUZZ_ARRAY_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "xarray/entry.h"
#include "xarray/id_limit.h"
#include "xarray/mark.h"
#include "xarray/mark_filter.h"

namespace mxa::fuzz {

enum class StepKind : uint8_t {
  kStore,
  kStoreNull,
  kInsert,
  kCompareExchange,
  kErase,
  kReserve,
  kRelease,
  kSetMark,
  kClearMark,
  kAllocate,
  kAllocateCyclic,
  kStoreMany,
  kEraseMany,
  kSetMarkMany,
  kLoadMany,
  kCountMarked,
  kCursor,  // another one, at an index
  kNext,
  kPrev,
  kNextMarked,
  kPrevMarked,
  kNextMatching,
  kPrevMatching,
  kNextIndex,
  kPrevIndex,
  kPause,  // the cursor, which goes on in another section
  kMoveNode,
  kMoveAll,
  kClear,
  kStoreOrder,
  kInsertOrder,
  kStoreRange,
  kEraseRange,
  kGetOrder,
  kSplit,
  kSplitToward,
  kReload,
};
inline constexpr unsigned kStepKinds = static_cast<unsigned>(StepKind::kReload) + 1;

struct Step {
  StepKind kind = StepKind::kStore;
  // Through a LockedArray, for what it can do.
  bool locked = false;
  // Where it happens; of what goes over several indices the first, of a cursor's step the bound.
  uint64_t index = 0;
  uint64_t last = 0;  // of an allocation's limit, a count and a range
  xarray::Entry entry = xarray::kNull;
  bool expects_null = false;  // of an exchange, which otherwise expects what is there
  xarray::Mark mark = xarray::Mark::k0;
  xarray::MarkFilter filter;
  unsigned height = 1;  // of a node to move
  unsigned order = 0;
  uint64_t stride = 1;
  unsigned count = 0;

  // Lines for a test in which `array`, `nodes`, `state`, `tell`, `section` and `cursor` (both optional) are there.
  std::string ToString() const;
};

// What moves after each step, besides what the steps say.
enum class Between : uint8_t { kNothing, kThePath, kAll };

struct Program {
  Between between = Between::kNothing;
  std::vector<Step> steps;

  std::string ToString() const;
};

inline constexpr size_t kMostSteps = 300;

Program Decode(absl::Span<const uint8_t> bytes);

// `first`, `first` + `stride` and so on, `count` of them, but none beyond the last index there is.
std::vector<uint64_t> Spaced(uint64_t first, uint64_t stride, unsigned count);

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_ARRAY_PROGRAM_H_
