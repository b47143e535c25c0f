// SPDX-License-Identifier: Apache-2.0
//
// The array as one of the containers that are compared. Their common form, which templates ask for by name:
//
//   Side(expected)          `expected`: how many entries it will hold, for those that want to know beforehand
//   kName                   what a table calls it
//   Load(index)             the value, 0 if there is none
//   Store(index, value)     inserts or overwrites; values are odd (EntryFor)
//   Erase(index)            of an index that is there
//   Mark(index), Sum(), SumMarked()    where there is such a thing: the sum of all values, of the marked ones
//   Settle()                waits until what was erased is free again
#ifndef MXA_BENCH_SUPPORT_ARRAY_SIDE_H_
#define MXA_BENCH_SUPPORT_ARRAY_SIDE_H_

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "bench/support/dense_array.h"
#include "reclaim/rcu.h"
#include "xarray/array_core.h"
#include "xarray/cursor.h"
#include "xarray/locked_array.h"
#include "xarray/mark.h"

namespace mxa::bench {

// A section, or the array's lock, inside each operation; a walk is one section.
class ArraySide {
 public:
  static constexpr char kName[] = "XArray";

  explicit ArraySide(size_t) : core_(*Home().nodes) {}

  uint64_t Load(uint64_t index) const { return core_.Load(index); }
  void Store(uint64_t index, uint64_t value) { MXA_CHECK(core_.Store(index, value).ok(), "no memory"); }
  void Erase(uint64_t index) { core_.Erase(index); }
  void Mark(uint64_t index) { MXA_CHECK(core_.SetMark(index, xarray::Mark::k0), "nothing there to mark"); }

  uint64_t Sum() const {
    reclaim::ReadSection section;
    xarray::Cursor cursor(core_, 0);
    uint64_t sum = 0;
    while (const xarray::Entry entry = cursor.Next(~uint64_t{0})) sum += entry;
    return sum;
  }
  uint64_t SumMarked() const {
    reclaim::ReadSection section;
    xarray::Cursor cursor(core_, 0);
    uint64_t sum = 0;
    while (const xarray::Entry entry = cursor.NextMarked(xarray::Mark::k0, ~uint64_t{0})) sum += entry;
    return sum;
  }

  static void Settle() { Home().nodes->slabs().FreeRcuBarrier(); }

  xarray::ArrayCore& core() { return core_; }

 private:
  static NodeHome& Home() {
    static NodeHome& home = *new NodeHome;
    return home;
  }

  xarray::ArrayCore core_;
};

// One section around all loads, as long as this lives.
class SectionedArray {
 public:
  explicit SectionedArray(ArraySide& side) : core_(side.core()) {}
  uint64_t Load(uint64_t index) const { return core_.LoadInSection(index); }

 private:
  reclaim::ReadSection section_;
  const xarray::ArrayCore& core_;
};

// The array's lock held over all writes, as long as this lives.
class HeldArray {
 public:
  explicit HeldArray(ArraySide& side) : locked_(side.core()) {}
  void Store(uint64_t index, uint64_t value) { MXA_CHECK(locked_.Store(index, value).ok(), "no memory"); }
  void Erase(uint64_t index) { locked_.Erase(index); }

 private:
  xarray::LockedArray locked_;
};

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_ARRAY_SIDE_H_
