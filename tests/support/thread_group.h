// SPDX-License-Identifier: Apache-2.0
//
// Named threads that start together and are joined before the test goes on.
//
//   ThreadGroup threads;
//   threads.Start("reader", [&] { ... });
//   threads.JoinAll();
//
// Threads: one owner's. Joining goes offline first, so that grace periods go on with every RCU flavour.
#ifndef MXA_TESTS_SUPPORT_THREAD_GROUP_H_
#define MXA_TESTS_SUPPORT_THREAD_GROUP_H_

#include <pthread.h>

#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "reclaim/rcu.h"

namespace mxa::tests {

class ThreadGroup {
 public:
  ThreadGroup() = default;
  ~ThreadGroup() { JoinAll(); }
  ThreadGroup(const ThreadGroup&) = delete;
  ThreadGroup& operator=(const ThreadGroup&) = delete;

  void Start(const std::string& name, std::function<void()> body) {
    threads_.emplace_back([name, body = std::move(body)] {
      pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
      body();
    });
  }

  void JoinAll() {
    if (threads_.empty()) return;
    reclaim::OfflineScope offline;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  std::vector<std::thread> threads_;
};

// Lets nobody pass until `count` threads have come.
class StartBarrier {
 public:
  explicit StartBarrier(int count) : missing_(count) {}

  void Await() {
    reclaim::OfflineScope offline;
    MutexLock lock(&mutex_);
    if (--missing_ == 0) all_here_.SignalAll();
    while (missing_ > 0) all_here_.Wait(&mutex_);
  }

 private:
  Mutex mutex_;
  CondVar all_here_;
  int missing_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mxa::tests

#endif  // MXA_TESTS_SUPPORT_THREAD_GROUP_H_
