// SPDX-License-Identifier: Apache-2.0
//
// Caches and arenas over a fork (reclaim/fork.h has the order of things).
//
// In the child every cache is as if the other threads had ended at the fork: what their sheaves held is back in the
// slabs, what they passed to FreeRcu waits for a grace period of the child's own. What they had allocated stays live.
#ifndef MXA_SLAB_FORK_H_
#define MXA_SLAB_FORK_H_

namespace mxa::slab {

// Surrounds a pass, from before its first step until after its last: a fork waits for the passes under way, and passes
// wait for a fork. Its lock comes before all others of the library.
class [[nodiscard]] PassScope {
 public:
  PassScope();
  ~PassScope();
  // Whether this thread is inside one: then it must not begin another, which a fork may hold up.
  static bool InPass();
  PassScope(const PassScope&) = delete;
  PassScope& operator=(const PassScope&) = delete;
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_FORK_H_
