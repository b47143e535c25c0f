// SPDX-License-Identifier: Apache-2.0
//
// What do stores, erases and walks cost, and how many bytes does an entry take?
//
// Baseline: absl::btree_map behind an absl::Mutex, taken once an operation (once a walk), as the array takes its own
// lock inside each. Time is the measuring thread's processor time: what an erase leaves to the reclaimer's thread (the
// grace period, giving nodes back) is not in it, as it delays nobody; see reclaim_retire_bench for that.
// Held equal: indices 0 .. n-1, their order, 64-bit values, a container that starts empty for stores and full for the
// rest; making and destroying it is not timed. The map marks an entry by a bit of its value, and finds marked entries
// by looking at all: it has no better way, and that is the point of marks.
// Goals: design.md, section 7 (there against Linux's XArray, which cannot be linked here). The packed minimum of the
// bytes is 576 bytes a node, 113 nodes in 64 KiB, 64 entries a leaf and a 64th more for the levels above: 9.21.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "base/mutex.h"
#include "bench/support/bench.h"
#include "bench/support/dense_array.h"
#include "bench/support/stream.h"
#include "benchmark/benchmark.h"
#include "reclaim/rcu.h"
#include "xarray/cursor.h"

namespace mxa::bench {
namespace {

using xarray::Entry;
using xarray::Mark;

constexpr uint64_t kMarkedBit = uint64_t{1} << 63;
constexpr char kLockedMap[] = "btree_map + Mutex";
constexpr size_t kMarkedEvery = 100;

class OursSide {
 public:
  OursSide() : core_(*Home().nodes) {}

  void Store(uint64_t index, Entry entry) { MXA_CHECK(core_.Store(index, entry).ok(), "no memory"); }
  void StoreMany(absl::Span<const uint64_t> indices) {
    const absl::Status stored = core_.StoreMany(
        indices, [indices](size_t i) { return EntryFor(indices[i]); }, [](size_t, Entry) {});
    MXA_CHECK(stored.ok(), "no memory");
  }
  void Erase(uint64_t index) { core_.Erase(index); }
  void SetMark(uint64_t index) { core_.SetMark(index, Mark::k0); }
  uint64_t Sum() {
    reclaim::ReadSection section;
    xarray::Cursor cursor(core_, 0);
    uint64_t sum = 0;
    while (const Entry entry = cursor.Next(~uint64_t{0})) sum += entry;
    return sum;
  }
  uint64_t SumMarked() {
    reclaim::ReadSection section;
    xarray::Cursor cursor(core_, 0);
    uint64_t sum = 0;
    while (const Entry entry = cursor.NextMarked(Mark::k0, ~uint64_t{0})) sum += entry;
    return sum;
  }

 private:
  static NodeHome& Home() {
    static NodeHome& home = *new NodeHome;
    return home;
  }
  xarray::ArrayCore core_;
};

class MapSide {
 public:
  void Store(uint64_t index, Entry entry) {
    MutexLock lock(&mutex_);
    map_[index] = entry;
  }
  void Erase(uint64_t index) {
    MutexLock lock(&mutex_);
    map_.erase(index);
  }
  void SetMark(uint64_t index) {
    MutexLock lock(&mutex_);
    map_[index] |= kMarkedBit;
  }
  uint64_t Sum() {
    MutexLock lock(&mutex_);
    uint64_t sum = 0;
    for (const auto& [index, entry] : map_) sum += entry;
    return sum;
  }
  uint64_t SumMarked() {
    MutexLock lock(&mutex_);
    uint64_t sum = 0;
    for (const auto& [index, entry] : map_) {
      if ((entry & kMarkedBit) != 0) sum += entry & ~kMarkedBit;
    }
    return sum;
  }

 private:
  Mutex mutex_;
  absl::btree_map<uint64_t, Entry> map_ ABSL_GUARDED_BY(mutex_);
};

template <typename Side>
std::unique_ptr<Side> Full(size_t count) {
  auto side = std::make_unique<Side>();
  for (size_t i = 0; i < count; ++i) side->Store(i, EntryFor(i));
  for (size_t i = 0; i < count; i += kMarkedEvery) side->SetMark(i);
  return side;
}

// Nanoseconds a store of `order` into an empty container.
template <typename Side>
double TimeFill(const std::vector<uint32_t>& order) {
  auto side = std::make_unique<Side>();
  const ThreadStopwatch watch;
  for (const uint32_t index : order) side->Store(index, EntryFor(index));
  return watch.NsPer(order.size());
}

// The same in ascending order, kAtOnce by one call.
double TimeFillMany(size_t count) {
  constexpr size_t kAtOnce = 4096;
  auto side = std::make_unique<OursSide>();
  std::vector<uint64_t> indices(std::min(kAtOnce, count));
  const ThreadStopwatch watch;
  for (size_t first = 0; first < count; first += indices.size()) {
    const size_t size = std::min(indices.size(), count - first);
    for (size_t i = 0; i < size; ++i) indices[i] = first + i;
    side->StoreMany(absl::MakeConstSpan(indices).first(size));
  }
  return watch.NsPer(count);
}

template <typename Side>
double TimeOverwrite(Side& side, const std::vector<uint32_t>& order) {
  const ThreadStopwatch watch;
  for (const uint32_t index : order) side.Store(index, EntryFor(index));
  return watch.NsPer(order.size());
}

template <typename Side>
double TimeErase(const std::vector<uint32_t>& order) {
  const std::unique_ptr<Side> side = Full<Side>(order.size());
  const ThreadStopwatch watch;
  for (const uint32_t index : order) side->Erase(index);
  return watch.NsPer(order.size());
}

// Nanoseconds an entry met.
double TimeWalk(size_t met, const std::function<uint64_t()>& walk) {
  const ThreadStopwatch watch;
  uint64_t sum = walk();
  benchmark::DoNotOptimize(std::as_const(sum));
  return watch.NsPer(met);
}

void Writes(Bench& bench, size_t count) {
  std::vector<uint32_t> ascending(count);
  for (size_t i = 0; i < count; ++i) ascending[i] = static_cast<uint32_t>(i);
  const std::vector<uint32_t> shuffled = Shuffled(count, 7);
  bench.Pair(
      {"store, ascending", "ns", kLockedMap, "<=0.9"}, [&] { return TimeFill<OursSide>(ascending); },
      [&] { return TimeFill<MapSide>(ascending); });
  bench.Pair(
      {"store 4096 at once, ascending", "ns", "one by one", "<=0.7"}, [&] { return TimeFillMany(count); },
      [&] { return TimeFill<OursSide>(ascending); });
  bench.Pair(
      {"store, random", "ns", kLockedMap, "<=0.9"}, [&] { return TimeFill<OursSide>(shuffled); },
      [&] { return TimeFill<MapSide>(shuffled); });
  bench.Pair(
      {"erase, random", "ns", kLockedMap, "<=0.9"}, [&] { return TimeErase<OursSide>(shuffled); },
      [&] { return TimeErase<MapSide>(shuffled); });

  const std::unique_ptr<OursSide> ours = Full<OursSide>(count);
  const std::unique_ptr<MapSide> map = Full<MapSide>(count);
  bench.Pair(
      {"iterate", "ns", kLockedMap, "<=0.9"}, [&] { return TimeWalk(count, [&] { return ours->Sum(); }); },
      [&] { return TimeWalk(count, [&] { return map->Sum(); }); });
  const size_t marked = (count + kMarkedEvery - 1) / kMarkedEvery;
  bench.Pair(
      {"iterate the 1 % that are marked", "ns", kLockedMap, "<=0.9"},
      [&] { return TimeWalk(marked, [&] { return ours->SumMarked(); }); },
      [&] { return TimeWalk(marked, [&] { return map->SumMarked(); }); });
  bench.Pair(
      {"overwrite, random", "ns", kLockedMap, "<=0.9"}, [&] { return TimeOverwrite(*ours, shuffled); },
      [&] { return TimeOverwrite(*map, shuffled); });
}

// Everything the arena holds resident, over the entries.
void Bytes(Bench& bench, unsigned bits) {
  constexpr char kName[] = "bytes a dense entry, everything counted";
  if (!bench.Wants(kName)) return;
  DenseArray array(bits);
  bench.Single({kName, "bytes", "packed minimum", "<=1.01"},
               static_cast<double>(array.arena().Residency().total()) / static_cast<double>(array.size()), 9.21);
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) {
  using namespace mxa::bench;
  Bench bench(argc, argv);
  Writes(bench, bench.Size(1'000'000, 3000));
  Bytes(bench, bench.smoke() ? 14 : 24);
  return bench.Finish();
}
