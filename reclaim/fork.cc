// SPDX-License-Identifier: Apache-2.0
#include "reclaim/fork.h"

#include <pthread.h>

#include <array>

#include "base/check.h"
#include "base/mutex.h"

namespace mxa::reclaim {
namespace {

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

 private:
  Stages() {
    MXA_CHECK(pthread_atfork(
                  +[] { Get().Prepare(); }, +[] { Get().Release(ForkSide::kParent); },
                  +[] { Get().Release(ForkSide::kChild); }) == 0,
              "cannot arrange for forks");
  }

  // Locks here and unlocks in Release.
  void Prepare() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mutex_.Lock();
    for (const ForkHandlers& stage : handlers_) {
      if (stage.prepare != nullptr) stage.prepare();
    }
  }
  void Release(ForkSide side) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (auto stage = handlers_.rbegin(); stage != handlers_.rend(); ++stage) {
      if (stage->release != nullptr) stage->release(side);
    }
    ReleaseAfterFork(mutex_, side);
  }

  Mutex mutex_;
  std::array<ForkHandlers, kForkStages> handlers_ ABSL_GUARDED_BY(mutex_) = {};
};

}  // namespace

void SetForkHandlers(ForkStage stage, const ForkHandlers& handlers) { Stages::Get().Set(stage, handlers); }

}  // namespace mxa::reclaim
