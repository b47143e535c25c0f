// SPDX-License-Identifier: Apache-2.0
//
// What does a pass that puts the nodes in order do for those who walk and load?
//
// Baseline: the same array before the pass, its nodes where stores in random order left them. Held equal: all but the
// places of the nodes. Medians of as many arrays, each built anew.
// Goal: design.md, section 7.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "bench/support/bench.h"
#include "bench/support/dense_array.h"
#include "benchmark/benchmark.h"
#include "reclaim/rcu.h"
#include "xarray/cursor.h"

namespace mxa::bench {
namespace {

using xarray::Entry;

double TimeWalk(const xarray::ArrayCore& core, size_t count) {
  const ThreadStopwatch watch;
  reclaim::ReadSection section;
  xarray::Cursor cursor(core, 0);
  uint64_t sum = 0;
  while (const Entry entry = cursor.Next(~uint64_t{0})) sum += entry;
  benchmark::DoNotOptimize(std::as_const(sum));
  return watch.NsPer(count);
}

double TimeLoads(const xarray::ArrayCore& core, const std::vector<uint64_t>& indices) {
  const ThreadStopwatch watch;
  reclaim::ReadSection section;
  uint64_t sum = 0;
  for (const uint64_t index : indices) sum += core.LoadInSection(index);
  benchmark::DoNotOptimize(std::as_const(sum));
  return watch.NsPer(indices.size());
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Measured {
  std::vector<double> walk;
  std::vector<double> load;

  void Take(const xarray::ArrayCore& core, const std::vector<uint64_t>& indices, size_t count) {
    walk.push_back(TimeWalk(core, count));
    load.push_back(TimeLoads(core, indices));
  }
};

void Run(Bench& bench, unsigned bits, size_t arrays, const std::string& what) {
  const size_t count = size_t{1} << bits;
  std::mt19937_64 random(1);
  std::vector<uint64_t> indices(count);
  std::iota(indices.begin(), indices.end(), uint64_t{0});
  std::shuffle(indices.begin(), indices.end(), random);
  std::vector<uint64_t> asked(std::min(count, size_t{2'000'000}));
  for (uint64_t& index : asked) index = random() % count;
  Measured before;
  Measured after;
  std::vector<double> move_ns;
  for (size_t i = 0; i < arrays; ++i) {
    NodeHome home;
    xarray::ArrayCore core(*home.nodes);
    for (const uint64_t index : indices) MXA_CHECK(core.Store(index, EntryFor(index)).ok(), "no memory");
    before.Take(core, asked, count);
    const auto stats = home.nodes->slabs().Compact({.mode = slab::CompactOptions::Mode::kOrder});
    MXA_CHECK(stats.ok() && stats->objects_moved > 0, "a pass over live nodes moves some");
    move_ns.push_back(static_cast<double>(stats->work_ns) / static_cast<double>(stats->objects_moved));
    after.Take(core, asked, count);
  }
  bench.Single({absl::StrCat("walk after a pass in order, ", what), "ns", "before", bits >= 24 ? "<=0.4" : ""},
               Median(after.walk), Median(before.walk));
  bench.Single({absl::StrCat("random load after a pass in order, ", what), "ns", "before", ""}, Median(after.load),
               Median(before.load));
  bench.Note(absl::StrCat(what, ": the pass worked ", static_cast<int>(Median(move_ns)), " ns a node"));
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) {
  using namespace mxa::bench;
  Bench bench(argc, argv);
  Run(bench, bench.smoke() ? 13 : 20, bench.Size(5, 1), "1 M entries");
  if (!bench.smoke()) Run(bench, 24, 5, "16 M entries");
  return bench.Finish();
}
