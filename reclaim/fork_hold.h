// SPDX-License-Identifier: Apache-2.0
//
// Keeps other threads from forking while something is made that must be whole in a child.
//
// Threads: any. ForkHold x ForkHold: side by side. ForkHold x fork: one waits for the other.
#ifndef MXA_RECLAIM_FORK_HOLD_H_
#define MXA_RECLAIM_FORK_HOLD_H_

#include <atomic>

#include "absl/functional/function_ref.h"
#include "base/mutex.h"

namespace mxa::reclaim {

// Nests.
//
// Context: outside read sections (CHECKed) and whatever lock a stage of a fork takes.
class [[nodiscard]] ForkHold {
 public:
  ForkHold();
  ~ForkHold();
  ForkHold(const ForkHold&) = delete;
  ForkHold& operator=(const ForkHold&) = delete;
};

// What a function-local static is, made at its first use and never destroyed, but never half made at a fork: the child
// would wait for ever for the thread that was making it.
//
//   Arena& Arena::Default() {
//     ABSL_CONST_INIT static reclaim::Immortal<Arena> arena;
//     return arena.Get([] { return new Arena; });
//   }
template <typename T>
class Immortal {
 public:
  constexpr Immortal() = default;
  Immortal(const Immortal&) = delete;
  Immortal& operator=(const Immortal&) = delete;

  // Calls `make` if it is the first, and waits for the first else.
  T& Get(absl::FunctionRef<T*()> make) {
    // ORDER(immortal) acquire; pairs with the store below.
    T* made = made_.load(std::memory_order_acquire);
    return made != nullptr ? *made : Make(make);
  }

 private:
  T& Make(absl::FunctionRef<T*()> make) {
    ForkHold hold;
    MutexLock lock(&mutex_);
    T* made = made_.load(std::memory_order_relaxed);  // relaxed: under the lock
    if (made == nullptr) {
      made = make();
      // ORDER(immortal) release; pairs with the load in Get.
      made_.store(made, std::memory_order_release);
    }
    return *made;
  }

  std::atomic<T*> made_{nullptr};
  Mutex mutex_{absl::kConstInit};
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_FORK_HOLD_H_
