// SPDX-License-Identifier: Apache-2.0
//
// Threads beside the one that measures: a reader that counts what it loads, and a mover that can be told to move and to
// rest.
#ifndef MXA_BENCH_SUPPORT_BACKGROUND_H_
#define MXA_BENCH_SUPPORT_BACKGROUND_H_

#include <atomic>
#include <cstdint>
#include <thread>

#include "base/mutex.h"
#include "bench/support/dense_array.h"
#include "slab/cache.h"

namespace mxa::bench {

// Loads random entries of a dense array, a section each, until destroyed. CHECKs each.
class LoadingReader {
 public:
  explicit LoadingReader(DenseArray& array);
  ~LoadingReader();
  LoadingReader(const LoadingReader&) = delete;
  LoadingReader& operator=(const LoadingReader&) = delete;

  // Loads a second, over `seconds` from now.
  double Throughput(double seconds) const;

 private:
  void Run(DenseArray& array);

  std::atomic<uint64_t> loads_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// Runs pass after pass that move everything, while told to; at rest when made.
class Mover {
 public:
  // `moves_a_second` 0: without pause. Otherwise it sleeps after each pass until it is down to that rate.
  Mover(slab::Cache& cache, double moves_a_second);
  ~Mover();
  Mover(const Mover&) = delete;
  Mover& operator=(const Mover&) = delete;

  void Go();
  // Returns when the pass under way has ended, which it is told to do early.
  void Rest();

  uint64_t moved() const { return moved_.load(std::memory_order_relaxed); }

 private:
  void Run();
  void Pace(uint64_t moved, double seconds);

  slab::Cache& cache_;
  const double moves_a_second_;
  std::atomic<uint64_t> moved_{0};  // relaxed: a statistic
  std::atomic<bool> cancel_{true};  // relaxed: a request; set whenever it is to rest
  Mutex mutex_;
  CondVar changed_;
  bool going_ ABSL_GUARDED_BY(mutex_) = false;
  bool resting_ ABSL_GUARDED_BY(mutex_) = true;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace mxa::bench

#endif  // MXA_BENCH_SUPPORT_BACKGROUND_H_
