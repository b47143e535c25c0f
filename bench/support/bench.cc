// SPDX-License-Identifier: Apache-2.0
#include "bench/support/bench.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "base/check.h"

namespace mxa::bench {
namespace {

// Whether `ratio` reaches `goal`; REQUIRES: goal is not empty.
bool Reaches(const std::string& goal, double ratio) {
  double limit = 0;
  const bool at_most = absl::StartsWith(goal, "<=");
  MXA_CHECK((at_most || absl::StartsWith(goal, ">=")) && absl::SimpleAtod(goal.substr(2), &limit),
            "a goal is <=X or >=X");
  return at_most ? ratio <= limit : ratio >= limit;
}

// Names and units are this project's own and ASCII; only quotes and backslashes need care.
std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string Number(double value) { return std::isfinite(value) ? absl::StrFormat("%.6g", value) : "null"; }

}  // namespace

Bench::Bench(int argc, char** argv) : smoke_(std::getenv("MXA_BENCH_SMOKE") != nullptr) {
  for (int i = 1; i < argc; ++i) {
    const absl::string_view flag = argv[i];
    if (flag == "--smoke") {
      smoke_ = true;
    } else if (flag == "--json" && i + 1 < argc) {
      json_ = argv[++i];
    } else if (flag == "--filter" && i + 1 < argc) {
      filter_ = argv[++i];
    } else {
      std::fprintf(stderr, "usage: %s [--smoke] [--json FILE] [--filter TEXT]\n", argv[0]);
      std::exit(2);
    }
  }
}

bool Bench::Wants(absl::string_view name) const { return absl::StrContains(name, filter_); }

void Bench::Pair(const Comparison& comparison, const Measurement& ours, const Measurement& baseline, int pairs) {
  if (!Wants(comparison.name)) return;
  if (smoke_) {
    pairs = 1;
  } else {
    ours();
    baseline();
  }
  std::vector<double> all_ours;
  std::vector<double> all_baseline;
  for (int i = 0; i < pairs; ++i) {
    all_ours.push_back(ours());
    all_baseline.push_back(baseline());
  }
  Measured(comparison, all_ours, all_baseline);
}

void Bench::Measured(const Comparison& comparison, const std::vector<double>& ours,
                     const std::vector<double>& baseline) {
  MXA_CHECK(!ours.empty() && ours.size() == baseline.size(), "a pair is two measurements");
  std::vector<double> ratios;
  for (size_t i = 0; i < ours.size(); ++i) ratios.push_back(ours[i] / baseline[i]);
  Add(comparison, Median(ours), Median(baseline), Median(ratios));
}

void Bench::Single(const Comparison& comparison, double ours, double baseline) {
  Add(comparison, ours, baseline, ours / baseline);
}

void Bench::Add(const Comparison& comparison, double ours, double baseline, double ratio) {
  if (!Wants(comparison.name)) return;
  rows_.push_back({comparison, ours, baseline, ratio});
  std::fprintf(stderr, "  %-52s %8.3f\n", comparison.name.c_str(),
               ratio);  // a sign of life; the table follows at the end
}

int Bench::Finish() {
  std::printf("%-52s %-12s %10s %10s  %-24s %8s %-8s\n", "row", "unit", "ours", "baseline", "baseline is", "ratio",
              "goal");
  for (const Row& row : rows_) {
    const std::string& goal = row.comparison.goal;
    const char* verdict = goal.empty() || smoke_ ? "" : Reaches(goal, row.ratio) ? "reached" : "MISSED";
    std::printf("%-52s %-12s %10.4g %10.4g  %-24s %8.3f %-8s %s\n", row.comparison.name.c_str(),
                row.comparison.unit.c_str(), row.ours, row.baseline, row.comparison.baseline_name.c_str(), row.ratio,
                goal.c_str(), verdict);
  }
  for (const std::string& note : notes_) std::printf("  %s\n", note.c_str());
  if (json_.empty()) return 0;
  std::FILE* file = std::fopen(json_.c_str(), "w");
  if (file == nullptr) {
    std::fprintf(stderr, "cannot write %s\n", json_.c_str());
    return 1;
  }
  std::string text = "[";
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    absl::StrAppendFormat(
        &text,
        "%s\n{\"name\":%s,\"unit\":%s,\"ours\":%s,\"baseline\":%s,\"baseline_name\":%s,\"ratio\":%s,\"goal\":%s}",
        i == 0 ? "" : ",", Quoted(row.comparison.name), Quoted(row.comparison.unit), Number(row.ours),
        Number(row.baseline), Quoted(row.comparison.baseline_name), Number(row.ratio), Quoted(row.comparison.goal));
  }
  text += "\n]\n";
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !written) {
    std::fprintf(stderr, "cannot write %s\n", json_.c_str());
    return 1;
  }
  return 0;
}

double Median(std::vector<double> values) {
  MXA_CHECK(!values.empty(), "the median of nothing");
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double ThreadStopwatch::Now() {
  timespec now;
  MXA_CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0, "no clock of this thread");
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace mxa::bench
