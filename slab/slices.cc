// SPDX-License-Identifier: Apache-2.0
#include "slab/slices.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <thread>

#include "base/check.h"
#include "base/cycle_clock.h"
#include "reclaim/rcu.h"

namespace mxa::slab {
namespace {

// A cancelled pass does not sleep longer than this.
constexpr uint64_t kSleepNs = 2'000'000;

uint64_t NowNs() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

// Of this thread, by the system, so far.
long InvoluntarySwitches() {
  rusage usage;
  return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
}

// The clock that is cheap enough to be asked before each object knows nanoseconds only by division.
uint64_t CyclesIn(uint64_t ns) {
  constexpr uint64_t kCycles = 1 << 20;
  const double ns_per_cycle = static_cast<double>(CycleClock::ToNanoseconds(kCycles)) / kCycles;
  const double cycles = static_cast<double>(ns) / std::max(ns_per_cycle, 1e-3);
  return cycles < 1e18 ? static_cast<uint64_t>(cycles) : std::numeric_limits<uint64_t>::max();
}

}  // namespace

Slices::Slices(const CompactOptions& options, CompactStats& stats)
    : options_(options), stats_(stats), limit_cycles_(CyclesIn(options.slice_ns)) {
  MXA_CHECK(options.duty_percent >= 1 && options.duty_percent <= 100, "a duty is from 1 to 100 percent");
}

bool Slices::IsDue() const { return CycleClock::Since(start_cycles_) >= limit_cycles_; }

void Slices::Offer() {
  if (!IsDue()) return;
  const uint64_t started = start_ns_;
  End();
  const uint64_t now = NowNs();
  Rest(now - started);
  rested_ns_ += NowNs() - now;
  Begin();
}

void Slices::Begin() {
  switches_ = InvoluntarySwitches();
  start_ns_ = NowNs();
  start_cycles_ = CycleClock::Now();
}

void Slices::End() {
  const uint64_t ns = NowNs() - start_ns_;
  ++stats_.slices;
  stats_.work_ns += ns;
  stats_.longest_slice_ns = std::max(stats_.longest_slice_ns, ns);
  if (InvoluntarySwitches() == switches_) stats_.longest_own_slice_ns = std::max(stats_.longest_own_slice_ns, ns);
}

uint64_t Slices::worked_ns() const { return stats_.work_ns + NowNs() - start_ns_; }

void Slices::Rest(uint64_t worked_ns) {
  const reclaim::OfflineScope offline;
  if (options_.duty_percent == 100) {
    sched_yield();
    return;
  }
  uint64_t left =
      worked_ns * static_cast<uint64_t>(100 - options_.duty_percent) / static_cast<uint64_t>(options_.duty_percent);
  // Relaxed: a request, not a message.
  while (left > 0 && (options_.cancel == nullptr || !options_.cancel->load(std::memory_order_relaxed))) {
    const uint64_t start = NowNs();
    std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(left, kSleepNs)));
    const uint64_t slept = NowNs() - start;
    stats_.slept_ns += slept;
    left -= std::min(left, slept);
  }
}

}  // namespace mxa::slab
