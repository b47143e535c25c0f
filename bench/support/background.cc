// SPDX-License-Identifier: Apache-2.0
#include "bench/support/background.h"

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "bench/support/bench.h"
#include "bench/support/stream.h"
#include "reclaim/rcu.h"

namespace mxa::bench {

LoadingReader::LoadingReader(DenseArray& array) : thread_([this, &array] { Run(array); }) {}

LoadingReader::~LoadingReader() {
  stop_.store(true, std::memory_order_relaxed);
  reclaim::OfflineScope offline;
  thread_.join();
}

double LoadingReader::Throughput(double seconds) const {
  const uint64_t before = loads_.load(std::memory_order_relaxed);
  const Stopwatch watch;
  {
    reclaim::OfflineScope offline;
    absl::SleepFor(absl::Seconds(seconds));
  }
  const uint64_t after = loads_.load(std::memory_order_relaxed);
  return static_cast<double>(after - before) / watch.Seconds();
}

void LoadingReader::Run(DenseArray& array) {
  constexpr uint64_t kBetweenCounts = 1024;
  const xarray::ArrayCore& core = array.core();
  Stream stream(1, array.bits());
  // Relaxed, both: a request and a statistic.
  while (!stop_.load(std::memory_order_relaxed)) {
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < kBetweenCounts; ++i) {
      const uint64_t index = stream.Next();
      wrong |= core.Load(index) ^ EntryFor(index);
    }
    MXA_CHECK(wrong == 0, "a reader met another entry than it should");
    loads_.store(loads_.load(std::memory_order_relaxed) + kBetweenCounts, std::memory_order_relaxed);
  }
}

Mover::Mover(slab::Cache& cache, double moves_a_second)
    : cache_(cache), moves_a_second_(moves_a_second), thread_([this] { Run(); }) {}

Mover::~Mover() {
  Rest();
  {
    MutexLock lock(&mutex_);
    ending_ = true;
    changed_.SignalAll();
  }
  reclaim::OfflineScope offline;
  thread_.join();
}

void Mover::Go() {
  MutexLock lock(&mutex_);
  cancel_.store(false, std::memory_order_relaxed);
  going_ = true;
  resting_ = false;
  changed_.SignalAll();
}

void Mover::Rest() {
  reclaim::OfflineScope offline;
  MutexLock lock(&mutex_);
  cancel_.store(true, std::memory_order_relaxed);
  going_ = false;
  changed_.SignalAll();
  while (!resting_) changed_.Wait(&mutex_);
}

void Mover::Run() {
  for (;;) {
    {
      reclaim::OfflineScope offline;
      MutexLock lock(&mutex_);
      while (!going_) {
        resting_ = true;
        changed_.SignalAll();
        if (ending_) return;
        changed_.Wait(&mutex_);
      }
    }
    const Stopwatch watch;
    const auto stats = cache_.Compact({.mode = slab::CompactOptions::Mode::kMoveEverything, .cancel = &cancel_});
    MXA_CHECK(stats.ok(), "a pass while no other runs");
    moved_.fetch_add(stats->objects_moved, std::memory_order_relaxed);
    if (moves_a_second_ > 0) Pace(stats->objects_moved, watch.Seconds());
  }
}

// After a pass that moved so many in so long: sleeps until that is no more than the rate, or until told to rest.
void Mover::Pace(uint64_t moved, double seconds) {
  const double wait = static_cast<double>(moved) / moves_a_second_ - seconds;
  const absl::Time deadline = absl::Now() + absl::Seconds(wait);
  reclaim::OfflineScope offline;
  MutexLock lock(&mutex_);
  while (going_ && !changed_.WaitWithDeadline(&mutex_, deadline)) continue;
}

}  // namespace mxa::bench
