// SPDX-License-Identifier: Apache-2.0
//
// Threads that read without pause: point reads, reads of dropped places, scans and marked scans, counted by phase.
//
// Threads: everything from one thread; the readers are its own.
#ifndef MXA_TOOLS_MXA_READERS_H_
#define MXA_TOOLS_MXA_READERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <thread>
#include <vector>

#include "tools/mxa/error_log.h"
#include "tools/mxa/histogram.h"
#include "tools/mxa/population.h"

namespace mxa::tool {

enum class Phase { kBefore, kDuring, kAfter };
inline constexpr size_t kPhases = 3;

struct PhaseReads {
  uint64_t reads = 0;  // entries read and judged, in whatever way
  Histogram point_ns;  // of a sample of the point reads

  void Merge(const PhaseReads& other) {
    reads += other.reads;
    point_ns.Merge(other.point_ns);
  }
};

class Readers {
 public:
  // Reads `population` until Stop, reporting to `log`; both outlive this. With `keeps_intervals` reads are counted by
  // intervals as well, at the cost of a histogram for each thread and interval.
  Readers(const Population& population, ErrorLog& log, bool keeps_intervals = false)
      : population_(population), log_(log), keeps_intervals_(keeps_intervals) {}
  ~Readers() { Stop(); }
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;

  // Returns when all `count` threads read; they start in Phase::kBefore.
  void Start(uint64_t count, uint64_t seed);

  // Reads that begin from now on count for `phase`. Relaxed: nothing else hangs on it.
  void Enter(Phase phase) { phase_.store(phase, std::memory_order_relaxed); }

  // Likewise for an interval; they are numbered from 0, which is the first.
  void EnterInterval(size_t number) { interval_.store(number, std::memory_order_relaxed); }

  // Ends and joins the threads.
  void Stop();

  // REQUIRES: Stop has been called.
  PhaseReads Total(Phase phase) const;
  PhaseReads InInterval(size_t number) const;

 private:
  struct Reads {
    std::array<PhaseReads, kPhases> phases;
    std::deque<PhaseReads> intervals;  // as many as it has come to
  };

  // What to count a read in, beside its phase; null: nothing.
  PhaseReads* CurrentInterval(Reads& reads) const;

  void Run(uint64_t seed, Reads& reads) const;

  const Population& population_;
  ErrorLog& log_;
  const bool keeps_intervals_;
  std::atomic<Phase> phase_{Phase::kBefore};
  std::atomic<size_t> interval_{0};
  std::atomic<bool> stop_{false};
  std::deque<Reads> reads_;  // one a thread, its own until it is joined
  std::vector<std::thread> threads_;
};

}  // namespace mxa::tool

#endif  // MXA_TOOLS_MXA_READERS_H_
