// SPDX-License-Identifier: Apache-2.0
#include "reclaim/retire.h"

#include <thread>

#include "base/check.h"
#include "base/mutex.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"

namespace mxa::reclaim {
namespace {

// The queue and its thread; lives until the process ends, so that callbacks may run while statics are destroyed.
class Retirer {
 public:
  static Retirer& Get() {
    static Retirer& retirer = *new Retirer;
    return retirer;
  }

  void Push(RetireHead* head) {
    MutexLock lock(&mutex_);
    head->next = nullptr;
    *tail_ = head;
    tail_ = &head->next;
    if (stats_.retired++ == stats_.called_back) work_.Signal();
  }

  void AwaitAll() {
    MutexLock lock(&mutex_);
    const uint64_t goal = stats_.retired;
    while (stats_.called_back < goal) done_.Wait(&mutex_);
  }

  RetireStats stats() {
    MutexLock lock(&mutex_);
    return stats_;
  }

 private:
  Retirer() {
    std::thread([this] { Run(); }).detach();
  }

  [[noreturn]] void Run() {
    NoReclaimScope no_reclaim;
    for (;;) {
      RetireHead* batch = TakeAll();
      MXA_SCHEDULE_POINT("retire.before_grace_period");
      Synchronize();
      const uint64_t count = CallBack(batch);
      MutexLock lock(&mutex_);
      stats_.called_back += count;
      ++stats_.batches;
      done_.SignalAll();
    }
  }

  RetireHead* TakeAll() {
    MutexLock lock(&mutex_);
    if (first_ == nullptr) {
      OfflineScope offline;
      while (first_ == nullptr) work_.Wait(&mutex_);
    }
    RetireHead* batch = first_;
    first_ = nullptr;
    tail_ = &first_;
    return batch;
  }

  static uint64_t CallBack(RetireHead* batch) {
    uint64_t count = 0;
    while (batch != nullptr) {
      RetireHead* head = batch;
      batch = head->next;  // before the callback, which may free `head`
      head->callback(head);
      ++count;
    }
    return count;
  }

  Mutex mutex_;
  CondVar work_;
  CondVar done_;
  RetireHead* first_ ABSL_GUARDED_BY(mutex_) = nullptr;
  RetireHead** tail_ ABSL_GUARDED_BY(mutex_) = &first_;
  RetireStats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

void Retire(RetireHead* head, RetireCallback callback) {
  head->callback = callback;
  Retirer::Get().Push(head);
}

void RetireBarrier() {
  MXA_CHECK(!InReadSection(), "waiting for retired objects inside a read section");
  MXA_CHECK(MayReclaim(), "waiting for retired objects under an array lock or inside a callback");
  OfflineScope offline;
  Retirer::Get().AwaitAll();
}

RetireStats GetRetireStats() { return Retirer::Get().stats(); }

}  // namespace mxa::reclaim
