// SPDX-License-Identifier: Apache-2.0
//
// Keeps forks apart from threads that begin and end: the locks inside of Abseil that a thread takes then are not mended in a
// child (reclaim/README.md).
//
// Threads: any.
#ifndef MXA_TOOLS_TORTURE_THREAD_LIVES_H_
#define MXA_TOOLS_TORTURE_THREAD_LIVES_H_

#include "base/mutex.h"
#include "reclaim/rcu.h"
#include "tools/torture/world.h"

namespace mxa::torture {

// While it lives, no actor forks. To be held from before the start of a thread until it has been joined.
// Context: outside read sections; waits for a fork under way.
class [[nodiscard]] ThreadLives {
 public:
  explicit ThreadLives(World& world) ABSL_NO_THREAD_SAFETY_ANALYSIS : world_(world) {
    const reclaim::OfflineScope offline;
    world_.thread_lives().ReaderLock();
  }
  ~ThreadLives() ABSL_NO_THREAD_SAFETY_ANALYSIS { world_.thread_lives().ReaderUnlock(); }
  ThreadLives(const ThreadLives&) = delete;
  ThreadLives& operator=(const ThreadLives&) = delete;

 private:
  World& world_;
};

}  // namespace mxa::torture

#endif  // MXA_TOOLS_TORTURE_THREAD_LIVES_H_
