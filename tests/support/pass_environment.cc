// SPDX-License-Identifier: Apache-2.0
#include "tests/support/pass_environment.h"

#include <cstdio>

#include "base/check.h"
#include "slab/cache_registry.h"

namespace mxa::tests {

void PassEnvironment::SetUp() {
  stop_.store(false, std::memory_order_relaxed);  // relaxed: the thread starts after it
  passes_ = std::thread([this] {
    while (!stop_.load(std::memory_order_relaxed)) {  // relaxed: a request, not a message
      MoveAll();
      ++rounds_;
      std::this_thread::yield();  // all the time, but where there is nothing to move others come first
    }
  });
  stalls_.emplace();
}

void PassEnvironment::TearDown() {
  stalls_.reset();
  stop_.store(true, std::memory_order_relaxed);  // relaxed: a request, not a message
  passes_.join();
  std::printf("%llu objects moved in %llu rounds of passes\n", static_cast<unsigned long long>(objects_),
              static_cast<unsigned long long>(rounds_));
}

// Under the lock of the list of caches, so that none ends meanwhile. cache_registry.h asks visitors not to wait for
// grace periods, for the sake of who comes to the list with a section open or a lock held; tests do not.
void PassEnvironment::MoveAll() {
  slab::ForEachCache([this](slab::Cache& cache) {
    if (!cache.Shape().movable || cache.Stats().live == 0) return;
    slab::CompactOptions options;
    options.mode = slab::CompactOptions::Mode::kMoveEverything;
    const auto pass = cache.Compact(options);
    MXA_CHECK(pass.ok(), "a pass failed, or the test runs its own");
    objects_ += pass->objects_moved;
  });
}

}  // namespace mxa::tests
