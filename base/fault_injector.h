// SPDX-License-Identifier: Apache-2.0
//
// Says which calls of a fallible step are to fail, so that tests reach the paths that real shortages hardly ever take.
//
//   FaultInjector faults;
//   faults.Arm(FaultConfig::Parse("probability=10,space=100,seed=7").value());
//   if (faults.ShouldFail()) return nullptr;  // in the step under test
//
// Invariants:
//   F1  reasons_ is the number of things that can make a call fail: an armed configuration, and every open FailNthScope.
//   F2  every call that is asked about while reasons_ is not 0 is decided by exactly one of: the innermost FailNthScope
//       of its own thread, else the open one for every thread, else the configuration.
// Threads: every function from any thread at once. The same configuration and seed make the same calls fail, counted in
// the order in which the injector is asked; which thread asks when is up to the schedule. One leaf lock, while armed.
// Why not fail inside malloc: a shortage is to be injected where this project promises to survive one, and nowhere else.
//
// Ideas: the fault attributes and fail-nth of Linux (terms only).
#ifndef MXA_BASE_FAULT_INJECTOR_H_
#define MXA_BASE_FAULT_INJECTOR_H_

#include <atomic>
#include <cstdint>
#include <random>

#include "absl/base/optimization.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace mxa {

// Which calls fail. A call goes through the parameters in this order, and the first that lets it through ends it.
struct FaultConfig {
  // Calls at the beginning that never fail.
  uint64_t space = 0;
  // Of the calls after those, only every `interval`-th can fail: the interval-th is the first. At least 1.
  uint64_t interval = 1;
  // Percent of the calls that got this far that fail, 0 to 100, drawn at random from `seed`.
  double probability = 100;
  uint64_t seed = 1;
  // Failures until none happens any more; -1: without end.
  int64_t times = -1;

  // Reads `name=value` pairs with commas between them, such as "probability=0.5,interval=3,times=5,space=2,seed=7".
  // What is not named keeps its default, so "interval=3" fails every third call.
  //
  // Errors: kInvalidArgument says which parameter is wrong and what it can be.
  static absl::StatusOr<FaultConfig> Parse(absl::string_view text);
};

class FailNthScope;

class FaultInjector {
 public:
  // Lets every call through.
  FaultInjector() = default;
  // REQUIRES: no FailNthScope of it is open.    (CHECKed)
  ~FaultInjector();
  FaultInjector(const FaultInjector&) = delete;
  FaultInjector& operator=(const FaultInjector&) = delete;

  // Starts `config` from its beginning: `space`, `times` and the random numbers anew, whatever was armed before.
  // REQUIRES: interval >= 1, probability from 0 to 100, times >= -1.    (CHECKed)
  void Arm(const FaultConfig& config);
  // From now on only a FailNthScope makes calls fail.
  void Disarm();

  // Whether the call that asks is to fail. Disarmed: one relaxed load and no.
  // Context: any; takes the injector's leaf lock while armed.
  [[nodiscard]] bool ShouldFail() {
    // Relaxed: a thread sees what it armed itself; others see it once they are ordered after that by whatever starts
    // them. What the answer depends on is read under the lock.
    return ABSL_PREDICT_FALSE(reasons_.load(std::memory_order_relaxed) != 0) && Decide();
  }

  // Since the injector was made. Calls are counted only while something could make them fail.
  struct Counters {
    uint64_t calls = 0;
    uint64_t failures = 0;
  };
  Counters GetCounters() const;

 private:
  friend class FailNthScope;

  bool Decide();
  bool DecideByConfig() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::atomic<int> reasons_{0};  // changed under the lock
  mutable Mutex mutex_;
  bool armed_ ABSL_GUARDED_BY(mutex_) = false;
  FaultConfig config_ ABSL_GUARDED_BY(mutex_);
  // Raw numbers of this engine are the same everywhere, which those of the standard's distributions are not.
  std::mt19937_64 random_ ABSL_GUARDED_BY(mutex_);
  uint64_t asked_ ABSL_GUARDED_BY(mutex_) = 0;  // calls since Arm that the configuration decided
  FailNthScope* for_every_thread_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Counters counters_ ABSL_GUARDED_BY(mutex_);
};

enum class FaultThreads : uint8_t { kThisThread, kEveryThread };

// While open, exactly the n-th call from its beginning on fails, counted on this thread or on all together.
//
// Scopes of one thread nest, and the innermost of an injector decides alone, a thread's own before one for every
// thread. One for every thread can be open an injector.
class [[nodiscard]] FailNthScope {
 public:
  // REQUIRES: n >= 1; for kEveryThread: no other such scope of `injector` is open.    (CHECKed)
  FailNthScope(FaultInjector& injector, uint64_t n, FaultThreads threads = FaultThreads::kThisThread);
  // REQUIRES: on the thread that opened it, the newest first.    (CHECKed)
  ~FailNthScope();
  FailNthScope(const FailNthScope&) = delete;
  FailNthScope& operator=(const FailNthScope&) = delete;

  // Whether the n-th call has come, and failed.
  bool fired() const;

 private:
  friend class FaultInjector;

  FaultInjector& injector_;
  const FaultThreads threads_;
  FailNthScope* const outer_;  // the scope of this thread that was innermost before, of whichever injector
  uint64_t left_;              // calls until the failing one, it included; under the injector's lock
};

}  // namespace mxa

#endif  // MXA_BASE_FAULT_INJECTOR_H_
