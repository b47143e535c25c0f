// SPDX-License-Identifier: Apache-2.0
//
// The harness of the benchmarks: paired measurements, a table for people, JSON rows for `./dev bench`.
//
//   int main(int argc, char** argv) {
//     mxa::bench::Bench bench(argc, argv);
//     bench.Pair({"load", "ns", "bare chase", "<=1.25"}, [&] { return TimeOurs(); }, [&] { return TimeBaseline(); });
//     return bench.Finish();
//   }
//
// Flags: --smoke (or MXA_BENCH_SMOKE=1): tiny sizes, one repetition; --json FILE; --filter TEXT: only rows whose names
// contain it. A goal is `<=X` or `>=X`, on the ratio ours / baseline; an empty goal makes the row information. A missed
// goal is shown, and is not an error: timings of a busy machine prove nothing (bench/README.md).
// Why not Google Benchmark's runner: it measures one side after the other, while a ratio that is to survive a noisy
// machine needs A B A B and the median of the pairs; DoNotOptimize and ClobberMemory are taken from it.
#ifndef MXA_BENCH_SUPPORT_BENCH_H_
#define MXA_BENCH_SUPPORT_BENCH_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace mxa::bench {

struct Comparison {
  std::string name;
  std::string unit;
  std::string baseline_name;
  std::string goal;
};

class Bench {
 public:
  // Ends the process, with a line that says why, for flags it does not know.
  Bench(int argc, char** argv);
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  bool smoke() const { return smoke_; }
  size_t Size(size_t full, size_t smoke) const { return smoke_ ? smoke : full; }
  // Whether a row of this name is asked for; for leaving out what is costly to prepare.
  bool Wants(absl::string_view name) const;

  // Each call of a measurement is one repetition, and returns its figure in the row's unit. After one of each that is
  // thrown away, measures ours, baseline, ours, ... `pairs` times; the row shows both medians and the median of the
  // pairs' ratios.
  using Measurement = std::function<double()>;
  void Pair(const Comparison& comparison, const Measurement& ours, const Measurement& baseline, int pairs = kPairs);

  // A row from figures the caller has taken.
  void Single(const Comparison& comparison, double ours, double baseline);
  // A row from pairs the caller has measured, one repetition a place. REQUIRES: as many of either, at least one.
  // (CHECKed)
  void Measured(const Comparison& comparison, const std::vector<double>& ours, const std::vector<double>& baseline);

  // A line below the table: what the figures do not say.
  void Note(const std::string& text) { notes_.push_back(text); }

  // Prints the table, writes the JSON file; returns main's status.
  int Finish();

  static constexpr int kPairs = 7;

 private:
  struct Row {
    Comparison comparison;
    double ours = 0;
    double baseline = 0;
    double ratio = 0;
  };
  void Add(const Comparison& comparison, double ours, double baseline, double ratio);

  bool smoke_ = false;
  std::string json_;
  std::string filter_;
  std::vector<Row> rows_;
  std::vector<std::string> notes_;
};

// REQUIRES: not empty.
double Median(std::vector<double> values);

// Processor time the calling thread has used since this was made, for what one thread does without waiting: when the
// machine is busy with others, only the caches notice. Not for what waits, nor for what leaves work to other threads on
// one side only.
class ThreadStopwatch {
 public:
  double Seconds() const { return Now() - start_; }
  double NsPer(size_t count) const { return Seconds() * 1e9 / static_cast<double>(count); }

 private:
  static double Now();
  double start_ = Now();
};

// Time that has passed since this was made.
class Stopwatch {
 public:
  double Seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
  double NsPer(size_t count) const { return Seconds() * 1e9 / static_cast<double>(count); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_BENCH_H_
