// SPDX-License-Identifier: Apache-2.0
//
// What Abseil works out when a lock is first found held has been worked out before: no fork can come in the middle.
#include <dlfcn.h>
#include <sys/sysinfo.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/mutex.h"
#include "gtest/gtest.h"
#include "reclaim/fork.h"
#include "tests/support/thread_group.h"

namespace {

// How often somebody has asked how many processors there are, which is what takes Abseil its time.
std::atomic<int> g_asked{0};

}  // namespace

// Stands before the system's.
extern "C" int get_nprocs() noexcept {
  ++g_asked;
  return reinterpret_cast<int (*)()>(dlsym(RTLD_NEXT, "get_nprocs"))();
}

namespace mxa::reclaim {
namespace {

// Lets two threads want one lock until one of them has found it held.
void FindALockHeld() {
  Mutex mutex;
  std::atomic<bool> waits{false};
  tests::ThreadGroup threads;
  {
    MutexLock lock(&mutex);
    threads.Start("waiter", [&] {
      waits = true;
      MutexLock lock(&mutex);
    });
    while (!waits) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  threads.JoinAll();
}

TEST(ForkSpinTest, NothingIsLeftToBeWorkedOutAtTheFirstLockThatIsFoundHeld) {
  ASSERT_GE(ForkGeneration(), 0u);  // the library is here
  const int before = g_asked;
  EXPECT_GT(before, 0);
  FindALockHeld();
  EXPECT_EQ(g_asked, before);
}

}  // namespace
}  // namespace mxa::reclaim
