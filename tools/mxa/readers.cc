// SPDX-License-Identifier: Apache-2.0
#include "tools/mxa/readers.h"

#include "absl/synchronization/blocking_counter.h"
#include "tools/mxa/read_steps.h"

namespace mxa::tool {
namespace {

// A round of steps. A walk looks at up to 256 entries, so about half of what is read is read by walks.
constexpr uint64_t kRound = 512;
constexpr uint64_t kScanAt = 0;
constexpr uint64_t kMarkedScanAt = 256;
constexpr uint64_t kDroppedEvery = 16;
constexpr uint64_t kTimedEvery = 64;  // of the point reads: a clock costs as much as a read

}  // namespace

void Readers::Start(uint64_t count, uint64_t seed) {
  absl::BlockingCounter started(static_cast<int>(count));
  for (uint64_t i = 0; i < count; ++i) {
    Reads& reads = reads_.emplace_back();
    threads_.emplace_back([this, &started, &reads, reader_seed = Mix64(seed + i + 1)] {
      started.DecrementCount();
      Run(reader_seed, reads);
    });
  }
  started.Wait();
}

void Readers::Stop() {
  stop_.store(true, std::memory_order_relaxed);  // joining orders the rest
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

PhaseReads Readers::Total(Phase phase) const {
  PhaseReads total;
  for (const Reads& reads : reads_) total.Merge(reads.phases[static_cast<size_t>(phase)]);
  return total;
}

PhaseReads Readers::InInterval(size_t number) const {
  PhaseReads total;
  for (const Reads& reads : reads_) {
    if (number < reads.intervals.size()) total.Merge(reads.intervals[number]);
  }
  return total;
}

PhaseReads* Readers::CurrentInterval(Reads& reads) const {
  if (!keeps_intervals_) return nullptr;
  const size_t number = interval_.load(std::memory_order_relaxed);  // relaxed: nothing else hangs on it
  if (reads.intervals.size() <= number) reads.intervals.resize(number + 1);
  return &reads.intervals.back();
}

void Readers::Run(uint64_t seed, Reads& all_reads) const {
  Random random(seed);
  const size_t entries = population_.ledger().size();
  const std::vector<Place>& dropped = population_.dropped();
  uint64_t points = 0;
  for (uint64_t step = 0; !stop_.load(std::memory_order_relaxed); ++step) {
    PhaseReads& in_phase = all_reads.phases[static_cast<size_t>(phase_.load(std::memory_order_relaxed))];
    PhaseReads* const in_interval = CurrentInterval(all_reads);
    const uint64_t in_round = step % kRound;
    const size_t entry = random.Below(entries);
    uint64_t reads = 1;
    if (in_round == kScanAt || in_round == kMarkedScanAt) {
      reads = ScanFrom(population_, entry, in_round == kMarkedScanAt, log_);
    } else if (step % kDroppedEvery == 1 && !dropped.empty()) {
      ReadDropped(population_, dropped[random.Below(dropped.size())], log_);
    } else if (++points % kTimedEvery == 0) {
      uint64_t ns = 0;
      ReadEntry(population_, entry, log_, &ns);
      in_phase.point_ns.Add(ns);
      if (in_interval != nullptr) in_interval->point_ns.Add(ns);
    } else {
      ReadEntry(population_, entry, log_);
    }
    in_phase.reads += reads;
    if (in_interval != nullptr) in_interval->reads += reads;
  }
}

}  // namespace mxa::tool
