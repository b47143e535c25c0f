// SPDX-License-Identifier: Apache-2.0
//
// Runs a program on an array and on an oracle over a std::map at once, and tells the first difference.
//
// To add an operation: a StepKind with its bytes and its text in array_program, and a case here that does it to both.
// Threads: one thread's.
#ifndef MXA_TESTS_FUZZ_ARRAY_MACHINE_H_
#define MXA_TESTS_FUZZ_ARRAY_MACHINE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "reclaim/rcu.h"
#include "tests/fuzz/array_program.h"
#include "tests/support/order_oracle.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/id_limit.h"
#include "xarray/mark_filter.h"
#include "xarray/node_cache.h"

namespace mxa::fuzz {

// OK, or what differed and the lines of the program up to there.
absl::Status RunProgram(const Program& program, xarray::NodeCache& nodes);

// Moves the node of `height` on the path of `index`, if there is one.
void MoveNodeAt(const xarray::ArrayCore& array, xarray::NodeCache& nodes, uint64_t index, unsigned height);

class ArrayMachine {
 public:
  explicit ArrayMachine(xarray::NodeCache& nodes) : nodes_(nodes), array_(nodes) {}

  // OK, or what differed.
  absl::Status Run(const Step& step);
  void MoveBetween(Between between, const Step& step);
  // Everything the array can be asked, against the map; its invariants.
  absl::Status Compare() const;

 private:
  // Which way the cursor goes; kNone: no step yet.
  enum class Way : uint8_t { kNone, kUp, kDown, kIndex };
  using Held = tests::OrderOracle::Held;

  // array_machine.cc
  absl::Status RunOnEntry(const Step& step);
  absl::Status RunOnMark(const Step& step);
  absl::Status RunOnMany(const Step& step);
  absl::Status Allocate(const Step& step);
  absl::Status AllocateCyclic(const Step& step);

  // array_machine_orders.cc
  absl::Status RunOnOrder(const Step& step);
  absl::Status Split(const Step& step);

  // array_machine_walk.cc
  absl::Status RunOnCursor(const Step& step);
  absl::Status StepByIndex(bool is_up);
  absl::Status StepTo(bool is_up, xarray::MarkFilter filter, const Step& step);
  absl::Status CompareWalk(xarray::MarkFilter filter) const;
  // What a step meets: at which index, where it goes on, and the entry. Nothing: kNull.
  struct Met {
    uint64_t index = 0;
    uint64_t next = 0;
    bool ends = false;  // nothing is left to be looked at on this way
    xarray::Entry entry = xarray::kNull;
  };
  Met MeetUp(uint64_t from, uint64_t last, const xarray::MarkFilter& filter) const;
  Met MeetDown(uint64_t from, uint64_t first, const xarray::MarkFilter& filter) const;
  uint64_t Count(uint64_t first, uint64_t last, xarray::Mark mark) const;

  // What Load would return, and what is there, reserved or not.
  xarray::Entry Read(uint64_t index) const { return xarray::AsRead(There(index)); }
  xarray::Entry There(uint64_t index) const;
  std::optional<uint64_t> LowestFree(uint64_t first, uint64_t last) const;

  xarray::NodeCache& nodes_;
  xarray::ArrayCore array_;
  mutable tests::OrderOracle oracle_;  // its finds hand out what may be changed
  xarray::CyclicState state_;

  std::optional<reclaim::ReadSection> section_;
  std::optional<xarray::Cursor> cursor_;
  Way way_ = Way::kNone;
  uint64_t at_ = 0;         // what the cursor's index() must be
  uint64_t next_ = 0;       // where it goes on if it goes on the same way
  bool ends_ = false;       // there is nothing left on it
  bool is_unmet_ = true;    // at_ is the start, or a hole
  bool exhausted_ = false;  // a null answer: only a turn says where the cursor goes on
};

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_ARRAY_MACHINE_H_
