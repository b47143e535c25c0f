// SPDX-License-Identifier: Apache-2.0
//
// A second thread that does what the first tells it, while the first waits: so that a program of one thread has objects in
// two threads' sheaves, and a writer where it is itself inside an operation.
//
// Threads: Run and End by one thread at a time.
#ifndef MXA_TESTS_FUZZ_HELPER_THREAD_H_
#define MXA_TESTS_FUZZ_HELPER_THREAD_H_

#include <functional>
#include <thread>
#include <utility>

#include "base/mutex.h"

namespace mxa::fuzz {

class HelperThread {
 public:
  // Lives on from program to program: starting a thread takes longer than most programs.
  static HelperThread& Get() {
    static HelperThread& helper = *new HelperThread;
    return helper;
  }
  HelperThread(const HelperThread&) = delete;
  HelperThread& operator=(const HelperThread&) = delete;

  // Returns when `work` has. The thread starts with the first work there is for it.
  void Run(std::function<void()> work) {
    if (!thread_.joinable()) thread_ = std::thread([this] { Serve(); });
    MutexLock lock(&mutex_);
    work_ = std::move(work);
    changed_.SignalAll();
    while (work_ != nullptr) changed_.Wait(&mutex_);
  }
  // The thread ends, and with it what it held; the next Run starts another.
  void End() {
    if (!thread_.joinable()) return;
    {
      MutexLock lock(&mutex_);
      ends_ = true;
      changed_.SignalAll();
    }
    thread_.join();
    ends_ = false;
  }

 private:
  HelperThread() = default;

  void Serve() {
    MutexLock lock(&mutex_);
    for (;;) {
      while (work_ == nullptr && !ends_) changed_.Wait(&mutex_);
      if (work_ == nullptr) return;
      mutex_.Unlock();
      work_();
      mutex_.Lock();
      work_ = nullptr;
      changed_.SignalAll();
    }
  }

  std::thread thread_;
  Mutex mutex_;
  CondVar changed_;
  std::function<void()> work_;  // null: none
  bool ends_ = false;
};

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_HELPER_THREAD_H_
