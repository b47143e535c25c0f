// SPDX-License-Identifier: Apache-2.0
//
// A program of operations on arrays, an Ida, a MovableMap and an OwningXArray that share caches and an arena, as a fuzzer
// writes it: decoded from any bytes.
//
// The bytes are read one after the other, and every value of each means something.
#ifndef MXA_TESTS_FUZZ_MIX_PROGRAM_H_
#define MXA_TESTS_FUZZ_MIX_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "slab/compact_options.h"

namespace mxa::fuzz {

inline constexpr size_t kMixArrays = 3;
inline constexpr size_t kMostMixSteps = 200;

enum class MixStepKind : uint8_t {
  kStore,  // in an array
  kInsert,
  kErase,
  kStoreMany,
  kEraseRange,
  kSetMark,
  kClearMark,
  kWalk,
  kIdAllocate,
  kIdFree,
  kMapStore,
  kMapInsert,
  kMapUpdate,
  kMapErase,
  kMapEraseRange,
  kOwnEmplace,
  kOwnTryEmplace,
  kOwnErase,
  kOwnEraseRange,
  kDestroy,  // an array or the map or what else there is, and makes it anew, empty
  kCompact,
  kShrink,
  kBarrier,
  kHousekeep,
  kContiguous,
  kFreeContiguous,
  kFaults,  // the arena refuses `count` runs after `pick` more
  kHold,    // a reader opens a section and reads
  kLetGo,
  kOpenSection,  // the program's own thread does, and a cursor begins at an array
  kCloseSection,
  kMoveNodes,
  kCheck,
  kNext,  // the cursor goes on `count` times
};
inline constexpr unsigned kMixStepKinds = static_cast<unsigned>(MixStepKind::kNext) + 1;

// What happens inside steps, at schedule points of the operations.
enum class Inside : uint8_t {
  kNothing,
  kMoveNodes,    // all nodes of all arrays, where no lock is held
  kPass,         // a pass over the nodes or the values, where waiting is allowed
  kOtherWriter,  // another thread stores and erases near by, where no lock is held
};

struct MixStep {
  MixStepKind kind = MixStepKind::kStore;
  bool by_helper = false;
  size_t array = 0;
  uint64_t index = 0;
  uint64_t last = 0;
  uint64_t stride = 1;
  unsigned count = 1;
  unsigned pick = 0;
  size_t bytes = 0;
  bool waits = false;
  slab::CompactOptions options;

  std::string ToString() const;
};

struct MixProgram {
  size_t regions = 1;
  Inside inside = Inside::kNothing;
  unsigned every = 1;  // so many points
  std::vector<MixStep> steps;

  std::string ToString() const;
};

MixProgram DecodeMixProgram(absl::Span<const uint8_t> bytes);

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_MIX_PROGRAM_H_
