// SPDX-License-Identifier: Apache-2.0
//
// Threads that load from a container, and one that writes to it, with what each got done.
//
// The container holds 0 .. 2^bits - 1; it is one of those that array_side.h describes, and all may use it at once.
#ifndef MXA_BENCH_SUPPORT_CROWD_H_
#define MXA_BENCH_SUPPORT_CROWD_H_

#include <pthread.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/check.h"
#include "bench/support/dense_array.h"
#include "bench/support/stream.h"
#include "reclaim/rcu.h"

namespace mxa::bench {

// Of a reader's round, and of the indices a writer erases together: a leaf.
inline constexpr uint64_t kLoadsARound = 256;
inline constexpr uint64_t kRun = 64;

// What a writer does.
enum class Writing {
  kOverwrite,      // another value at a random index
  kEraseAndStore,  // a random run of kRun, all erased and then all stored: a node goes and another comes
};

// A value for `index` that changes from one to the next, and that a reader can tell to be that index's.
constexpr uint64_t ValueFor(uint64_t index, uint64_t version) { return EntryFor(index) | (version & 0xffff) << 40; }
constexpr bool IsValueFor(uint64_t index, uint64_t value) {
  return (value & ((uint64_t{1} << 40) - 1)) == EntryFor(index);
}

// A thread that works until this ends, in rounds that count something.
class Worker {
 public:
  // `round` returns what it has done.
  template <typename Round>
  explicit Worker(Round round)
      : thread_([this, round]() mutable {
          // Relaxed, both: a request and a statistic.
          while (!stop_.load(std::memory_order_relaxed)) done_.fetch_add(round(), std::memory_order_relaxed);
        }) {}
  ~Worker() {
    stop_.store(true, std::memory_order_relaxed);
    reclaim::OfflineScope offline;
    thread_.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  uint64_t done() const { return done_.load(std::memory_order_relaxed); }

  // Processor time the thread has used.
  double CpuSeconds() {
    clockid_t clock;
    timespec now;
    MXA_CHECK(pthread_getcpuclockid(thread_.native_handle(), &clock) == 0 && clock_gettime(clock, &now) == 0,
              "no clock of that thread");
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
  }

 private:
  std::atomic<uint64_t> done_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// Loads random indices and CHECKs each. `may_miss`: whether an index may be gone for a while.
template <typename Side>
std::unique_ptr<Worker> MakeReader(const Side& side, unsigned bits, uint64_t seed, bool may_miss) {
  return std::make_unique<Worker>([&side, stream = Stream(seed, bits), may_miss]() mutable {
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < kLoadsARound; ++i) {
      const uint64_t index = stream.Next();
      const uint64_t value = side.Load(index);
      wrong += !(IsValueFor(index, value) || (may_miss && value == 0));
    }
    MXA_CHECK(wrong == 0, "a reader met another value than it should");
    return kLoadsARound;
  });
}

template <typename Side>
std::unique_ptr<Worker> MakeWriter(Side& side, unsigned bits, Writing writing) {
  return std::make_unique<Worker>([&side, stream = Stream(17, bits), writing, version = uint64_t{0}]() mutable {
    ++version;
    const uint64_t first = stream.Next() & ~(kRun - 1);
    if (writing == Writing::kOverwrite) {
      for (uint64_t i = 0; i < 2 * kRun; ++i) {
        const uint64_t index = stream.Next();
        side.Store(index, ValueFor(index, version));
      }
    } else {
      for (uint64_t i = 0; i < kRun; ++i) side.Erase(first + i);
      for (uint64_t i = 0; i < kRun; ++i) side.Store(first + i, ValueFor(first + i, version));
    }
    return 2 * kRun;
  });
}

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_CROWD_H_
