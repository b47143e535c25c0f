// SPDX-License-Identifier: Apache-2.0
//
// What does a random Load of a present entry cost, against a walk over the same nodes that checks nothing?
//
// Baseline: `bare chase` reads the same slots of the same tree with the same stream of indices (bare_tree.h). Other
// containers: xarray_peers_read_bench.
// Held equal: indices, page size, the loop.
// Goals: design.md, section 7, states them against Linux's XArray, which cannot be linked here (GPL, kernel). The
// prototypes that reached those goals took 28 against 23 ns for the chase inside one section and 37 to 40 with a
// section each (16 M), 6.3 against 5.5 and 8 to
// 9.5 (1 M): hence <=1.25 and <=1.7. LoadMany may take 0.17 of Linux's 148 and 29 ns, which is 1.09 and 0.9 of the chase
// there: hence <=1.0.
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bench/support/bare_tree.h"
#include "bench/support/bench.h"
#include "bench/support/dense_array.h"
#include "bench/support/stream.h"
#include "benchmark/benchmark.h"
#include "reclaim/rcu.h"

namespace mxa::bench {
namespace {

constexpr uint64_t kSeed = 12345;
constexpr size_t kMany = 256;

// Nanoseconds a call of `load(index)`.
template <typename Load>
double Time(size_t loads, unsigned bits, Load load) {
  Stream stream(kSeed, bits);
  uint64_t sum = 0;
  const ThreadStopwatch watch;
  for (size_t i = 0; i < loads; ++i) sum += load(stream.Next());
  benchmark::DoNotOptimize(std::as_const(sum));
  return watch.NsPer(loads);
}

double OneSection(const DenseArray& array, const xarray::ArrayCore& core, size_t loads) {
  reclaim::ReadSection section;
  return Time(loads, array.bits(), [&core](uint64_t index) { return core.LoadInSection(index); });
}

double Many(const DenseArray& array, const xarray::ArrayCore& core, size_t loads) {
  Stream stream(kSeed, array.bits());
  uint64_t indices[kMany];
  xarray::Entry entries[kMany];
  uint64_t sum = 0;
  const ThreadStopwatch watch;
  for (size_t i = 0; i < loads; i += kMany) {
    for (uint64_t& index : indices) index = stream.Next();
    reclaim::ReadSection section;
    core.LoadManyInSection(indices, entries);
    for (const xarray::Entry entry : entries) sum += entry;
  }
  benchmark::DoNotOptimize(std::as_const(sum));
  return watch.NsPer(loads);
}

double SectionEach(const DenseArray& array, const xarray::ArrayCore& core, size_t loads) {
  return Time(loads, array.bits(), [&core](uint64_t index) { return core.Load(index); });
}

void AgainstChase(Bench& bench, DenseArray& array, const std::string& what, size_t loads) {
  const BareTree bare(array.core());
  auto chase = [&] { return Time(loads, array.bits(), [&bare](uint64_t index) { return bare.Load(index); }); };
  bench.Pair(
      {absl::StrCat("load, one section, ", what), "ns", "bare chase", "<=1.25"},
      [&] { return OneSection(array, array.core(), loads); }, chase);
  bench.Pair(
      {absl::StrCat("load, a section each, ", what), "ns", "bare chase", "<=1.7"},
      [&] { return SectionEach(array, array.core(), loads); }, chase);
  bench.Pair(
      {absl::StrCat("load 256 at once, ", what), "ns", "bare chase", "<=1.0"},
      [&] { return Many(array, array.core(), loads); }, chase);
}

// Whether any row of a tree of that kind is asked for; building one takes seconds.
bool WantsAny(const Bench& bench, const std::string& what) {
  for (const char* name : {"load, one section, ", "load, a section each, ", "load 256 at once, "}) {
    if (bench.Wants(absl::StrCat(name, what))) return true;
  }
  return false;
}

void Run(Bench& bench, unsigned bits, const std::string& what, size_t loads, bool huge_pages = false) {
  if (!WantsAny(bench, what)) return;
  DenseArray array(bits, huge_pages);
  AgainstChase(bench, array, what, loads);
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) {
  using namespace mxa::bench;
  Bench bench(argc, argv);
  const size_t loads = bench.Size(size_t{4} << 20, size_t{1} << 12);
  Run(bench, bench.smoke() ? 19 : 20, "1 M", loads);
  if (bench.smoke()) return bench.Finish();
  Run(bench, 24, "16 M", loads);
  Run(bench, 24, "16 M, 2 MiB pages", loads, /*huge_pages=*/true);
  return bench.Finish();
}
