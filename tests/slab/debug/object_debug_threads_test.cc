// SPDX-License-Identifier: Apache-2.0
//
// Steps of different objects run at once, and a checker may look at all of them meanwhile.
#include <atomic>
#include <cstring>
#include <deque>

#include "base/mutex.h"
#include "gtest/gtest.h"
#include "slab/debug/object_debug.h"
#include "tests/slab/debug/debug_objects.h"
#include "tests/support/thread_group.h"

namespace mxa::slab {
namespace {

constexpr size_t kSize = 60;
constexpr size_t kObjects = 16;
constexpr int kThreads = 4;
constexpr int kRounds = 500;

// Hands objects from thread to thread without saying when: the state words have to carry what was written.
class Pool {
 public:
  void Put(char* object) {
    MutexLock lock(&mutex_);
    free_.push_back(object);
  }
  char* Take() {
    MutexLock lock(&mutex_);
    char* object = free_.front();
    free_.pop_front();
    return object;
  }

 private:
  Mutex mutex_;
  std::deque<char*> free_ ABSL_GUARDED_BY(mutex_);
};

TEST(ObjectDebugThreadsTest, ThreadsAllocateAndFreeWhileACheckerLooks) {
  tests::DebugObjects objects(
      {.cache_name = "thing", .object_size = kSize, .options = DebugOptionsFor("FZPU", "").value()}, kObjects);
  ObjectDebug& debug = objects.debug();
  Pool pool;
  for (size_t i = 0; i < kObjects; ++i) pool.Put(objects[i]);
  std::atomic<int> running{kThreads};
  std::atomic<int> faults{0};
  tests::ThreadGroup threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.Start("user", [&] {
      for (int round = 0; round < kRounds; ++round) {
        char* object = pool.Take();
        debug.OnAllocate(object);
        std::memset(object, round, kSize);
        if (round % 2 == 0) {
          debug.OnFree(object);
        } else {
          debug.OnRetire(object);
          debug.OnRecycle(object);
        }
        pool.Put(object);
      }
      running.fetch_sub(1);
    });
  }
  threads.Start("checker", [&] {
    while (running.load() != 0) {
      for (size_t i = 0; i < kObjects; ++i) {
        // What is in a live object is its user's, what is in a free one is the checker's business as well.
        if (!debug.Check(objects[i]).ok() || debug.State(objects[i]) == ObjectState::kCorrupt) faults.fetch_add(1);
        static_cast<void>(debug.AllocationTrace(objects[i]));
      }
    }
  });
  threads.JoinAll();
  EXPECT_EQ(faults.load(), 0);
  for (size_t i = 0; i < kObjects; ++i) {
    EXPECT_EQ(debug.State(objects[i]), ObjectState::kFree);
    EXPECT_EQ(debug.Check(objects[i]), absl::OkStatus());
  }
}

// A destination is published before the pass says so: its new user may retire it at any moment of OnMove.
TEST(ObjectDebugThreadsTest, AMoveRacesWithTheNewUserOfItsDestination) {
  tests::DebugObjects objects(
      {.cache_name = "thing", .object_size = kSize, .options = DebugOptionsFor("FZU", "").value()}, 2);
  ObjectDebug& debug = objects.debug();
  for (int round = 0; round < kRounds; ++round) {
    char* from = objects[round % 2];
    char* to = objects[1 - round % 2];
    debug.OnAllocate(from);
    debug.OnReserve(to);
    tests::StartBarrier start(2);
    tests::ThreadGroup threads;
    threads.Start("user", [&] {
      start.Await();
      debug.OnRetire(to);
    });
    start.Await();
    debug.OnMove(from, to);
    threads.JoinAll();
    ASSERT_EQ(debug.State(from), ObjectState::kRetired);
    ASSERT_EQ(debug.State(to), ObjectState::kRetired);
    debug.OnRecycle(from);
    debug.OnRecycle(to);
  }
}

}  // namespace
}  // namespace mxa::slab
