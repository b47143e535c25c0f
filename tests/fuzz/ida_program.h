// SPDX-License-Identifier: Apache-2.0
//
// A program of operations on one Ida, as a fuzzer writes it: decoded from any bytes, printed as C++.
//
// As array_program.h: every byte means something. IDs lie where a chunk goes from a value to a bitmap, where chunks begin
// and where trees change their height; runs of them fill chunks.
#ifndef MXA_TESTS_FUZZ_IDA_PROGRAM_H_
#define MXA_TESTS_FUZZ_IDA_PROGRAM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"

namespace mxa::fuzz {

enum class IdaStepKind : uint8_t {
  kAllocate,
  kAllocateMany,
  kFree,
  kFreeMany,
  kExists,
  kFindFirst,
  kMoveNode,
  kMoveAll,
  kClear,
};
inline constexpr unsigned kIdaStepKinds = static_cast<unsigned>(IdaStepKind::kClear) + 1;

struct IdaStep {
  IdaStepKind kind = IdaStepKind::kAllocate;
  uint64_t id = 0;    // where it happens; of a limit and a run the first
  uint64_t last = 0;  // of a limit
  unsigned count = 0;
  unsigned height = 1;  // of a node to move

  // Lines for a test in which `ida` and `nodes` are there.
  std::string ToString() const;
};

struct IdaProgram {
  bool moves_between = false;  // every node, after each step
  std::vector<IdaStep> steps;

  std::string ToString() const;
};

inline constexpr size_t kMostIdaSteps = 300;

IdaProgram DecodeIda(absl::Span<const uint8_t> bytes);

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_IDA_PROGRAM_H_
