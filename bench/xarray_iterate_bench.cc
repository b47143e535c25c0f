// SPDX-License-Identifier: Apache-2.0
//
// What does a step of a walk cost: up, down, by range-for, by index, over marked and over unmarked entries?
//
// Baseline: absl::btree_map, the same way round, without a lock: ours takes none either, and opens one section (a
// range-for one every 4096 steps, by itself). The map marks an entry by a bit of its value, and finds and counts marked
// entries by looking at all. By index, each of the map's steps is a find, as it has nothing that stays in a hole.
// Held equal: indices 0 .. 2^20-1, each 100th marked; by index, only each 64th leaf is full, the rest are holes.
// Goals: that of `iterate` in xarray_write_bench where both sides do the same; the range-for and the unmarked entries
// are information: its iterator counts steps up to its next pause, theirs are looked at one by one.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "base/check.h"
#include "bench/support/bench.h"
#include "bench/support/dense_array.h"
#include "benchmark/benchmark.h"
#include "reclaim/rcu.h"
#include "xarray/count_marked.h"
#include "xarray/cursor.h"
#include "xarray/range.h"

namespace mxa::bench {
namespace {

using xarray::Cursor;
using xarray::Entry;
using xarray::Mark;
using xarray::MarkFilter;

using Map = absl::btree_map<uint64_t, Entry>;
using Range = XArrayRange<uint64_t>;  // of values; nobody looks behind the pointers

constexpr uint64_t kLast = ~uint64_t{0};
constexpr uint64_t kMarkedBit = uint64_t{1} << 63;
constexpr uint64_t kMarkedEvery = 100;
constexpr char kMap[] = "btree_map";

// Nanoseconds a step.
double Time(size_t steps, const std::function<uint64_t()>& walk) {
  const ThreadStopwatch watch;
  uint64_t sum = walk();
  benchmark::DoNotOptimize(std::as_const(sum));
  return watch.NsPer(steps);
}

// The sum of what `step` meets, in one section.
template <typename Step>
uint64_t Sum(const xarray::ArrayCore& core, uint64_t start, Step step) {
  reclaim::ReadSection section;
  Cursor cursor(core, start);
  uint64_t sum = 0;
  while (const Entry entry = step(cursor)) sum += entry;
  return sum;
}

uint64_t SumRange(const Range& range) {
  uint64_t sum = 0;
  for (auto [index, value] : range) sum += index + reinterpret_cast<uintptr_t>(value);
  return sum;
}

// Of a map's iterators, either kind.
template <typename Iterator>
uint64_t SumMap(Iterator from, Iterator end) {
  uint64_t sum = 0;
  for (; from != end; ++from) sum += from->first + from->second;
  return sum;
}

uint64_t SumMapMarked(const Map& map, bool marked) {
  uint64_t sum = 0;
  for (const auto& [index, entry] : map) {
    if (((entry & kMarkedBit) != 0) == marked) sum += entry;
  }
  return sum;
}

void Walks(Bench& bench, DenseArray& array, const Map& map) {
  const xarray::ArrayCore& core = array.core();
  const size_t count = array.size();
  const Range all(core, 0, kLast);
  const auto map_up = [&] { return Time(count, [&] { return SumMap(map.begin(), map.end()); }); };
  const auto map_down = [&] { return Time(count, [&] { return SumMap(map.rbegin(), map.rend()); }); };
  bench.Pair(
      {"up, a cursor", "ns", kMap, "<=0.9"},
      [&] { return Time(count, [&] { return Sum(core, 0, [](Cursor& c) { return c.Next(kLast); }); }); }, map_up);
  bench.Pair(
      {"down, a cursor", "ns", kMap, "<=0.9"},
      [&] { return Time(count, [&] { return Sum(core, kLast, [](Cursor& c) { return c.Prev(0); }); }); }, map_down);
  bench.Pair(
      {"up, range-for", "ns", kMap, ""}, [&] { return Time(count, [&] { return SumRange(all); }); }, map_up);
  bench.Pair(
      {"down, range-for", "ns", kMap, ""}, [&] { return Time(count, [&] { return SumRange(all.Reversed()); }); },
      map_down);
}

void MarkedWalks(Bench& bench, DenseArray& array, const Map& map) {
  const xarray::ArrayCore& core = array.core();
  const size_t marked = (array.size() + kMarkedEvery - 1) / kMarkedEvery;
  const Range all(core, 0, kLast);
  const auto map_marked = [&] { return Time(marked, [&] { return SumMapMarked(map, true); }); };
  bench.Pair(
      {"the 1 % marked, a cursor", "ns", kMap, "<=0.9"},
      [&] {
        return Time(marked, [&] { return Sum(core, 0, [](Cursor& c) { return c.NextMarked(Mark::k0, kLast); }); });
      },
      map_marked);
  bench.Pair(
      {"the 1 % marked, range-for", "ns", kMap, "<=0.9"},
      [&] { return Time(marked, [&] { return SumRange(all.Marked(Mark::k0)); }); }, map_marked);
  bench.Pair(
      {"the 1 % marked, counted", "ns", kMap, "<=0.9"},
      [&] { return Time(marked, [&] { return xarray::CountMarked(core, Mark::k0, 0, kLast); }); }, map_marked);
  bench.Pair(
      {"the 99 % unmarked, range-for", "ns", kMap, ""},
      [&] {
        return Time(array.size() - marked, [&] { return SumRange(all.Matching(MarkFilter().Without(Mark::k0))); });
      },
      [&] { return Time(array.size() - marked, [&] { return SumMapMarked(map, false); }); });
}

// One leaf in 64 is full, so most steps are in holes.
void ByIndex(Bench& bench, uint64_t size) {
  constexpr char kName[] = "by index, mostly holes";
  if (!bench.Wants(kName)) return;
  NodeHome home;
  xarray::ArrayCore core(*home.nodes);
  Map map;
  for (uint64_t index = 0; index < size; ++index) {
    if (index / 64 % 64 != 0) continue;
    MXA_CHECK(core.Store(index, EntryFor(index)).ok(), "no memory");
    map[index] = EntryFor(index);
  }
  bench.Pair(
      {kName, "ns", "btree_map, finds", "<=0.9"},
      [&] {
        return Time(size, [&] {
          reclaim::ReadSection section;
          Cursor cursor(core, 0);
          uint64_t sum = 0;
          for (uint64_t i = 0; i < size; ++i) sum += cursor.NextIndex();
          return sum;
        });
      },
      [&] {
        return Time(size, [&] {
          uint64_t sum = 0;
          for (uint64_t i = 0; i < size; ++i) {
            const auto found = map.find(i);
            if (found != map.end()) sum += found->second;
          }
          return sum;
        });
      });
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) {
  using namespace mxa::bench;
  Bench bench(argc, argv);
  const unsigned bits = bench.smoke() ? 13 : 20;
  DenseArray array(bits);
  Map map;
  for (uint64_t index = 0; index < array.size(); ++index) {
    const bool marked = index % kMarkedEvery == 0;
    if (marked) array.core().SetMark(index, Mark::k0);
    map.emplace_hint(map.end(), index, EntryFor(index) | (marked ? kMarkedBit : 0));
  }
  Walks(bench, array, map);
  MarkedWalks(bench, array, map);
  ByIndex(bench, array.size());
  return bench.Finish();
}
