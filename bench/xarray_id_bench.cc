// SPDX-License-Identifier: Apache-2.0
//
// What does an ID cost?
//
// Baseline: absl::btree_set of the IDs that are free, behind an absl::Mutex taken once an operation: the usual way to get
// the lowest free one. It is given the IDs beforehand, which is not timed, while ours grow as they go.
// Held equal: IDs 0 .. n-1; ascending means that the lowest free ID is taken n times; mixed frees a random one of n and
// takes the lowest free again. Time is the measuring thread's processor time. No row has a goal: the set takes some nine
// bytes a free ID where Ida takes a bit, says nothing to readers without the lock, and stores nothing under an ID, which
// the array does.
#include <cstdint>
#include <vector>

#include "absl/container/btree_set.h"
#include "base/check.h"
#include "base/mutex.h"
#include "bench/support/bench.h"
#include "bench/support/dense_array.h"
#include "bench/support/stream.h"
#include "xarray/array_core.h"
#include "xarray/ida.h"

namespace mxa::bench {
namespace {

constexpr char kLockedSet[] = "btree_set of free IDs + Mutex";

NodeHome& Home() {
  static NodeHome& home = *new NodeHome;
  return home;
}

class ArraySide {
 public:
  explicit ArraySide(size_t) : core_(*Home().nodes) {}
  uint64_t Allocate() { return core_.Allocate(EntryFor(1)).value(); }
  void Free(uint64_t id) { core_.Erase(id); }

 private:
  xarray::ArrayCore core_;
};

class IdaSide {
 public:
  explicit IdaSide(size_t) : ida_(*Home().nodes) {}
  uint64_t Allocate() { return ida_.Allocate().value(); }
  void Free(uint64_t id) { ida_.Free(id); }

 private:
  xarray::Ida ida_;
};

class SetSide {
 public:
  explicit SetSide(size_t count) {
    MutexLock lock(&mutex_);
    for (size_t id = 0; id < count; ++id) free_.insert(free_.end(), id);
  }
  uint64_t Allocate() {
    MutexLock lock(&mutex_);
    const uint64_t id = *free_.begin();
    free_.erase(free_.begin());
    return id;
  }
  void Free(uint64_t id) {
    MutexLock lock(&mutex_);
    free_.insert(id);
  }

 private:
  Mutex mutex_;
  absl::btree_set<uint64_t> free_ ABSL_GUARDED_BY(mutex_);
};

// Nanoseconds an allocation.
template <typename Side>
double TimeAscending(size_t count) {
  Side side(count);
  const ThreadStopwatch watch;
  for (size_t i = 0; i < count; ++i) MXA_CHECK(side.Allocate() == i, "not the lowest free ID");
  return watch.NsPer(count);
}

// Nanoseconds a free and an allocation; a hundredth of the IDs is free at any time.
template <typename Side>
double TimeMixed(size_t count, const std::vector<uint32_t>& order) {
  Side side(count);
  for (size_t i = 0; i < count; ++i) side.Allocate();
  const size_t ahead = count / 100;
  for (size_t i = 0; i < ahead; ++i) side.Free(order[i]);
  const ThreadStopwatch watch;
  for (size_t i = ahead; i < count; ++i) {
    side.Free(order[i]);
    side.Allocate();
  }
  return watch.NsPer(count - ahead);
}

void Ids(Bench& bench, size_t count) {
  bench.Pair(
      {"Ida: allocate, ascending", "ns", kLockedSet, ""}, [&] { return TimeAscending<IdaSide>(count); },
      [&] { return TimeAscending<SetSide>(count); });
  bench.Pair(
      {"array: allocate, ascending", "ns", kLockedSet, ""}, [&] { return TimeAscending<ArraySide>(count); },
      [&] { return TimeAscending<SetSide>(count); });
  const std::vector<uint32_t> order = Shuffled(count, 7);
  bench.Pair(
      {"Ida: free at random, allocate", "ns", kLockedSet, ""}, [&] { return TimeMixed<IdaSide>(count, order); },
      [&] { return TimeMixed<SetSide>(count, order); });
  bench.Pair(
      {"array: free at random, allocate", "ns", kLockedSet, ""}, [&] { return TimeMixed<ArraySide>(count, order); },
      [&] { return TimeMixed<SetSide>(count, order); });
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) {
  using namespace mxa::bench;
  Bench bench(argc, argv);
  Ids(bench, bench.Size(1'000'000, 3000));
  return bench.Finish();
}
