// SPDX-License-Identifier: Apache-2.0
#include "reclaim/fork.h"

#include <pthread.h>

#include <array>

#include "base/check.h"
#include "base/mutex.h"

namespace mxa::reclaim {
namespace {

// Has Abseil work out for how long to spin, once for all its mutexes, before any fork: it does so when a lock is first found
// held, and a child forked in the middle of that would wait for its end at the first lock that it finds held.
// A mutex with an invariant is treated like one that is held, but for the waiting; whoever wants invariants checked switches
// that on in main, not before.
void WorkOutSpinning() {
  absl::EnableMutexInvariantDebugging(true);
  Mutex mutex;
  mutex.EnableInvariantDebugging([](void*) {}, nullptr);
  absl::EnableMutexInvariantDebugging(false);
  MutexLock lock(&mutex);
}

// Lives until the process ends.
class Stages {
 public:
  static Stages& Get() {
    static Stages& stages = *new Stages;
    return stages;
  }

  void Set(ForkStage stage, const ForkHandlers& handlers) {
    MutexLock lock(&mutex_);
    ForkHandlers& place = handlers_[static_cast<size_t>(stage)];
    MXA_CHECK(place.prepare == nullptr, "a fork stage has two owners");
    place = handlers;
  }

  // Changed in a child while it has one thread.
  uint64_t generation() const { return generation_; }

  Mutex& mutex() ABSL_LOCK_RETURNED(mutex_) { return mutex_; }

 private:
  Stages() {
    WorkOutSpinning();
    MXA_CHECK(pthread_atfork(
                  +[] { Get().Prepare(); }, +[] { Get().Release(ForkSide::kParent); },
                  +[] { Get().Release(ForkSide::kChild); }) == 0,
              "cannot arrange for forks");
  }

  // Locks here and unlocks in Release.
  void Prepare() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (const ForkHandlers& stage : handlers_) {
      if (stage.prepare != nullptr) stage.prepare();
      if (&stage == &handlers_.front()) mutex_.Lock();  // after kContext
    }
  }
  void Release(ForkSide side) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (side == ForkSide::kChild) ++generation_;
    for (auto stage = handlers_.rbegin(); stage != handlers_.rend(); ++stage) {
      if (&*stage == &handlers_.front()) ReleaseAfterFork(mutex_, side);
      if (stage->release != nullptr) stage->release(side);
    }
  }

  uint64_t generation_ = 0;
  Mutex mutex_;
  std::array<ForkHandlers, kForkStages> handlers_ ABSL_GUARDED_BY(mutex_) = {};
};

}  // namespace

void SetForkHandlers(ForkStage stage, const ForkHandlers& handlers) { Stages::Get().Set(stage, handlers); }

uint64_t ForkGeneration() { return Stages::Get().generation(); }

void HoldForks() ABSL_NO_THREAD_SAFETY_ANALYSIS { Stages::Get().mutex().ReaderLock(); }
void LetForksGo() ABSL_NO_THREAD_SAFETY_ANALYSIS { Stages::Get().mutex().ReaderUnlock(); }

}  // namespace mxa::reclaim
