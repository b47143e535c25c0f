// SPDX-License-Identifier: Apache-2.0
//
// Whether what several threads did to one register, and what they were told, can be explained: by some order in which
// each call took effect at one moment between its beginning and its end (Herlihy and Wing's linearizability).
//
// Threads: plain data and pure functions. A test records the calls of each thread apart and puts them together when all
// are at rest.
// How: the search of Wing and Gong, which takes as the next call any that began before the first end of those left;
// with the memory of Lowe, which never tries the same calls done and the same value twice.
#ifndef MXA_TESTS_SUPPORT_REGISTER_HISTORY_H_
#define MXA_TESTS_SUPPORT_REGISTER_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace mxa::tests {

// One call on a register. The value 0 is nothing at all.
struct RegisterCall {
  enum class Kind : uint8_t { kLoad, kStore, kInsert, kCompareExchange, kErase };

  Kind kind = Kind::kLoad;
  int thread = 0;
  // From one clock for all threads, on which no two moments are the same.
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t expected = 0;  // kCompareExchange
  uint64_t desired = 0;   // kStore, kInsert and kCompareExchange; 0 erases, but for kInsert
  // What was there, as the call said; of an insert 1 if it inserted, else 0.
  uint64_t result = 0;

  std::string ToString() const;
};

inline constexpr size_t kMostCalls = 64;

// OK, or how many of the calls can be explained at most, and all of them. `initial`: the value before the first.
// REQUIRES: at most kMostCalls, each of which begins before it ends.    (CHECKed)
absl::Status CheckLinearizable(uint64_t initial, absl::Span<const RegisterCall> history);

// Pairs of calls of different threads that ran at the same time: without any, a history proves little.
size_t CountOverlaps(absl::Span<const RegisterCall> history);

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_REGISTER_HISTORY_H_
