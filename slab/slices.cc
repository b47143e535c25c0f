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
    : options_(options), stats_(stats), limit_cycles_(CyclesIn(options.slice_ns)), left_cycles_(limit_cycles_) {
  MXA_CHECK(options.duty_percent >= 1 && options.duty_percent <= 100, "a duty is from 1 to 100 percent");
}

void Slices::Begin() {
  since_ns_ = NowNs();
  Resume();
}

void Slices::End() {
  Pause();
  EndSlice();
}

void Slices::Pause() {
  const uint64_t cycles = CycleClock::Since(since_cycles_);
  const uint64_t now = NowNs();
  left_cycles_ -= std::min(left_cycles_, cycles);
  worked_ns_ += now - since_ns_;
  stats_.work_ns += now - since_ns_;
  since_ns_ = now;
  interrupted_ = interrupted_ || InvoluntarySwitches() != switches_;
}

void Slices::Resume() {
  switches_ = InvoluntarySwitches();
  const uint64_t now = NowNs();
  waited_ns_ += now - since_ns_;
  since_ns_ = now;
  since_cycles_ = CycleClock::Now();
}

bool Slices::IsDue(uint64_t now) const { return now > since_cycles_ && now - since_cycles_ >= left_cycles_; }

void Slices::Offer() {
  if (!IsDue(CycleClock::Now())) return;
  Pause();
  Rest();
  rested_ns_ += NowNs() - since_ns_;
  EndSlice();
  Begin();
}

void Slices::EndSlice() {
  ++stats_.slices;
  stats_.longest_slice_ns = std::max(stats_.longest_slice_ns, worked_ns_);
  if (!interrupted_) stats_.longest_own_slice_ns = std::max(stats_.longest_own_slice_ns, worked_ns_);
  worked_ns_ = 0;
  waited_ns_ = 0;
  left_cycles_ = limit_cycles_;
  interrupted_ = false;
}

uint64_t Slices::worked_ns() const { return stats_.work_ns + NowNs() - since_ns_; }

void Slices::Rest() {
  const reclaim::OfflineScope offline;
  if (options_.duty_percent == 100) {
    sched_yield();
    return;
  }
  const uint64_t due =
      worked_ns_ * static_cast<uint64_t>(100 - options_.duty_percent) / static_cast<uint64_t>(options_.duty_percent);
  uint64_t left = due - std::min(due, waited_ns_);
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
