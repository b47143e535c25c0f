// SPDX-License-Identifier: Apache-2.0
//
// For how long does a pass hold an array's lock, and for how long does it work without a chance for others to run?
//
// Baselines: 50 us for the lock; the slice limit (1 ms) and the longest move of one object for the slice. A pass says
// its longest of either, of the slices also the longest that the system did not interrupt; a sample here is one pass. What
// the system adds by taking the processor away is not the pass's doing: the goals are on samples without an involuntary
// switch of the thread, and all samples at p99.9 are shown for information. What lies below the system, the host of a virtual
// machine, takes the processor away unseen: for information, the longest gap that a loop sees which only reads the clock,
// for as long as the pass took, right behind it.
// Held equal: nothing is compared with; one reader runs meanwhile, as in life.
// Goals: design.md, section 7.
#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/cycle_clock.h"
#include "bench/support/background.h"
#include "bench/support/bench.h"
#include "bench/support/dense_array.h"

namespace mxa::bench {
namespace {

constexpr double kLockLimitUs = 50;

long InvoluntarySwitches() {
  rusage usage;
  MXA_CHECK(getrusage(RUSAGE_THREAD, &usage) == 0, "no usage of this thread");
  return usage.ru_nivcsw;
}

double Percentile(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(p * static_cast<double>(values.size())))];
}

struct Samples {
  std::vector<double> all;
  std::vector<double> undisturbed;

  void AddAll(double value) { all.push_back(value); }
  void AddUndisturbed(double value) { undisturbed.push_back(value); }
  // The longest without an involuntary switch; of all, when each had one.
  double Longest() const { return Percentile(undisturbed.empty() ? all : undisturbed, 1); }
  double P999() const { return Percentile(all, 0.999); }
  double Median() const { return Percentile(undisturbed.empty() ? all : undisturbed, 0.5); }
};

// Between two readings of the clock, one right after the other, within so many nanoseconds.
double LongestGapUs(uint64_t within_ns) {
  const uint64_t start = CycleClock::Now();
  const uint64_t cycles = within_ns * (uint64_t{1} << 20) / std::max<uint64_t>(CycleClock::ToNanoseconds(1 << 20), 1);
  uint64_t longest = 0;
  for (uint64_t before = start; CycleClock::Since(start) < cycles;) {
    const uint64_t now = CycleClock::Now();
    longest = std::max(longest, now - std::min(now, before));
    before = now;
  }
  return static_cast<double>(CycleClock::ToNanoseconds(longest)) / 1e3;
}

void Run(Bench& bench, unsigned bits, size_t passes) {
  DenseArray array(bits);
  const LoadingReader reader(array);
  Samples locks;
  Samples slices;
  Samples gaps;
  const slab::CompactOptions options = {.mode = slab::CompactOptions::Mode::kMoveEverything};
  for (size_t i = 0; i < passes; ++i) {
    array.mover().ResetLongestLock();
    const long before = InvoluntarySwitches();
    const auto stats = array.slabs().Compact(options);
    MXA_CHECK(stats.ok(), "a pass while no other runs");
    const bool disturbed = InvoluntarySwitches() != before;
    const double lock_us = static_cast<double>(array.mover().LongestLockNs()) / 1e3;
    locks.AddAll(lock_us);
    if (!disturbed) locks.AddUndisturbed(lock_us);
    slices.AddAll(static_cast<double>(stats->longest_slice_ns) / 1e3);
    slices.AddUndisturbed(static_cast<double>(stats->longest_own_slice_ns) / 1e3);
    const long before_gap = InvoluntarySwitches();
    const double gap_us = LongestGapUs(stats->work_ns);
    gaps.AddAll(gap_us);
    if (InvoluntarySwitches() == before_gap) gaps.AddUndisturbed(gap_us);
  }
  const double slice_limit = static_cast<double>(options.slice_ns) / 1e3;
  bench.Single({"longest array lock hold", "us", "50 us", "<=1.0"}, locks.Longest(), kLockLimitUs);
  bench.Single({"longest array lock hold, p99.9 of all passes", "us", "50 us", ""}, locks.P999(), kLockLimitUs);
  bench.Single({"longest gap in reading the clock, as long", "us", "50 us", ""}, gaps.Longest(), kLockLimitUs);
  bench.Single({"a pass's longest lock hold, median", "us", "longest gap, median", ""}, locks.Median(), gaps.Median());
  bench.Single({"longest slice", "us", "limit + one object", "<=1.0"}, slices.Longest(), slice_limit + locks.Longest());
  bench.Single({"longest slice, p99.9 of all passes", "us", "limit + one object", ""}, slices.P999(),
               slice_limit + locks.Longest());
  bench.Note(absl::StrCat(locks.undisturbed.size(), " of ", passes, " passes had no involuntary switch",
                          locks.undisturbed.empty() ? "; the figures are of all" : ""));
}

}  // namespace
}  // namespace mxa::bench

int main(int argc, char** argv) {
  using namespace mxa::bench;
  Bench bench(argc, argv);
  Run(bench, bench.smoke() ? 19 : 20, bench.Size(400, 3));
  return bench.Finish();
}
