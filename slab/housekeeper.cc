// SPDX-License-Identifier: Apache-2.0
#include "slab/housekeeper.h"

#include <pthread.h>

#include <chrono>
#include <new>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/mutex.h"
#include "slab/cache_core.h"
#include "slab/thread_registry.h"

namespace mxa::slab {
namespace {

constexpr absl::Duration kPeriod = absl::Milliseconds(50);

// Lives until the process ends.
struct State {
  Mutex mutex;
  CondVar armed;
  bool started ABSL_GUARDED_BY(mutex) = false;
};

alignas(State) char state_storage[sizeof(State)];

State& GetState() {
  static State& state = *new (state_storage) State;
  return state;
}

// Made before main, so that no fork comes between (reclaim/fork.h, F3).
[[maybe_unused]] State& state_from_start = GetState();

}  // namespace

int64_t Housekeeper::Now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
             .count() +
         1;
}

void Housekeeper::ArmSlow() {
  State& state = GetState();
  MutexLock lock(&state.mutex);
  // Relaxed: under the lock; Arm() says what orders it.
  armed_.store(true, std::memory_order_relaxed);
  if (!state.started) {
    // Not std::thread, which throws when the system has no thread left: then the next call tries again.
    pthread_t thread;
    state.started = pthread_create(
                        &thread, nullptr, [](void*) -> void* { Run(); }, nullptr) == 0;
    if (!state.started) {
      armed_.store(false, std::memory_order_relaxed);
      return;
    }
    pthread_detach(thread);
  }
  state.armed.Signal();
}

void Housekeeper::Run() {
  State& state = GetState();
  for (;;) {
    {
      MutexLock lock(&state.mutex);
      while (!armed_.load(std::memory_order_relaxed)) state.armed.Wait(&state.mutex);
    }
    absl::SleepFor(kPeriod);
    armed_.store(false, std::memory_order_relaxed);
    if (RunOnce(Now())) {
      MutexLock lock(&state.mutex);
      armed_.store(true, std::memory_order_relaxed);
    }
  }
}

bool Housekeeper::RunOnce(int64_t now_ms) {
  // ORDER(arm) full; pairs with the fence in Arm.
  FullFence();
  bool more = false;
  std::vector<std::pair<SlabStore*, std::vector<Slab*>>> detached;
  {
    MutexLock lock(&ThreadRegistryMutex());
    for (CacheCore* cache = AllCaches().front(); cache != nullptr; cache = AllCaches().next(*cache)) {
      std::vector<Slab*> unneeded;
      more |= cache->Housekeep(now_ms, unneeded);
      if (!unneeded.empty()) detached.emplace_back(&cache->store(), std::move(unneeded));
    }
  }
  // Outside the lock: destructors run, and large pieces take the system a while.
  for (auto& [store, slabs] : detached) store->GiveBackDetached(slabs);
  return more;
}

void Housekeeper::ResetAfterFork() {
  new (state_storage) State;
  armed_.store(false, std::memory_order_relaxed);
}

}  // namespace mxa::slab
