// SPDX-License-Identifier: Apache-2.0
#include "reclaim/retire.h"

#include <thread>
#include <utility>

#include "absl/base/optimization.h"
#include "base/check.h"
#include "base/mutex.h"
#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "base/tsan.h"
#include "reclaim/context.h"
#include "reclaim/fork.h"
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
    if (stats_.retired++ == stats_.called_back && !turn_taken_) work_.Signal();
    if (ABSL_PREDICT_FALSE(thread_ == Thread::kDue)) Start();
  }

  bool TryTakeTurn() {
    MutexLock lock(&mutex_);
    // Then the thread sleeps, or is on its way there.
    if (stats_.retired != stats_.called_back || turn_taken_) return false;
    turn_taken_ = true;
    return true;
  }

  void EndTurn() {
    MutexLock lock(&mutex_);
    turn_taken_ = false;
    if (first_ != nullptr) work_.Signal();
  }

  void AwaitAll() {
    MutexLock lock(&mutex_);
    const uint64_t goal = stats_.retired;
    if (stats_.called_back == goal) return;
    if (thread_ == Thread::kDue) Start();
    while (stats_.called_back < goal) done_.Wait(&mutex_);
  }

  void StartThread() {
    MutexLock lock(&mutex_);
    if (thread_ == Thread::kDue) Start();
  }

  RetireStats stats() {
    MutexLock lock(&mutex_);
    return stats_;
  }

 private:
  // The thread starts when it is due and something is retired or waited for. It is missing at first and in the child of a
  // fork, there not due at once.
  enum class Thread { kRunning, kMissing, kDue };

  Retirer() {
    SetForkHandlers(ForkStage::kCallbacks,
                    {+[] { Get().LockCallbacks(); }, +[](ForkSide side) { Get().ReleaseCallbacks(side); }});
    SetForkHandlers(ForkStage::kQueue, {+[] { Get().LockQueue(); }, +[](ForkSide side) { Get().ReleaseQueue(side); }});
  }

  void Start() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    thread_ = Thread::kRunning;
    std::thread([this] { Run(); }).detach();
  }

  [[noreturn]] void Run() {
    NoReclaimScope no_reclaim;
    for (;;) {
      AwaitWork();
      BeginBatch();
      MXA_SCHEDULE_POINT("retire.before_grace_period");
      Synchronize();
      if (PlantedBugIs(PlantedBug::kLateArrivals)) BeginBatch();
      while (CallBackNext()) continue;
      EndBatch();
    }
  }

  void AwaitWork() {
    MutexLock lock(&mutex_);
    if (HasWork()) return;
    OfflineScope offline;
    while (!HasWork()) work_.Wait(&mutex_);
  }

  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return first_ != nullptr && !turn_taken_; }

  void BeginBatch() {
    BatchLock batch_lock(*this);
    MutexLock lock(&mutex_);
    *BatchEnd() = std::exchange(first_, nullptr);
    tail_ = &first_;
  }

  bool CallBackNext() {
    BatchLock batch_lock(*this);
    if (batch_ == nullptr) return false;
    RetireHead* head = batch_;
    batch_ = head->next;  // before the callback, which may free `head`
    CallBack(head);
    ++batch_called_back_;
    return true;
  }

  static void CallBack(RetireHead* head) {
    if (PlantedBugIs(PlantedBug::kNeverCalledBack)) return;
    if (PlantedBugIs(PlantedBug::kCalledBackTwice)) head->callback(head);
    head->callback(head);
  }

  RetireHead** BatchEnd() ABSL_EXCLUSIVE_LOCKS_REQUIRED(batch_mutex_) {
    RetireHead** end = &batch_;
    while (*end != nullptr) end = &(*end)->next;
    return end;
  }

  void EndBatch() {
    BatchLock batch_lock(*this);
    MutexLock lock(&mutex_);
    stats_.called_back += std::exchange(batch_called_back_, 0);
    ++stats_.batches;
    done_.SignalAll();
  }

  // Holds batch_mutex_. Offline while it waits: a fork that holds the mutex waits for the grace periods of others.
  class ABSL_SCOPED_LOCKABLE BatchLock {
   public:
    explicit BatchLock(Retirer& retirer) ABSL_EXCLUSIVE_LOCK_FUNCTION(retirer.batch_mutex_) : retirer_(retirer) {
      OfflineScope offline;
      retirer.batch_mutex_.Lock();
    }
    ~BatchLock() ABSL_UNLOCK_FUNCTION() { retirer_.batch_mutex_.Unlock(); }
    BatchLock(const BatchLock&) = delete;
    BatchLock& operator=(const BatchLock&) = delete;

   private:
    Retirer& retirer_;
  };

  // Two stages: callbacks may take locks of the layers above, and those layers retire under the same locks.
  void LockCallbacks() ABSL_NO_THREAD_SAFETY_ANALYSIS { batch_mutex_.Lock(); }
  void LockQueue() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mutex_.Lock();
    // Under TSan no fork waits for passes (slab/fork.cc): its child may only exec.
    MXA_CHECK(MXA_TSAN || !turn_taken_, "fork during a turn of the retiring thread's");
  }

  void ReleaseQueue(ForkSide side) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    if (side == ForkSide::kChild) {
      // R1, R2: what the thread was about to call back goes first, after a grace period of the child's own.
      RetireHead** const end = BatchEnd();
      if (first_ == nullptr && batch_ != nullptr) tail_ = end;
      *end = first_;
      first_ = std::exchange(batch_, nullptr);
      stats_.called_back += std::exchange(batch_called_back_, 0);
      turn_taken_ = false;
      thread_ = Thread::kMissing;  // the layers above retire what dead threads leave; that alone is not worth a thread
      RenewInChild(work_);
      RenewInChild(done_);
    }
    ReleaseAfterFork(mutex_, side);
  }

  void ReleaseCallbacks(ForkSide side) {
    if (side == ForkSide::kChild) {
      MutexLock lock(&mutex_);
      thread_ = Thread::kDue;
    }
    ReleaseAfterFork(batch_mutex_, side);
  }

  // Held during each callback, but for the grace period, so that a fork finds none half done; comes before mutex_.
  Mutex batch_mutex_;
  RetireHead* batch_ ABSL_GUARDED_BY(batch_mutex_) = nullptr;
  uint64_t batch_called_back_ ABSL_GUARDED_BY(batch_mutex_) = 0;

  Mutex mutex_;
  CondVar work_;
  CondVar done_;
  RetireHead* first_ ABSL_GUARDED_BY(mutex_) = nullptr;
  RetireHead** tail_ ABSL_GUARDED_BY(mutex_) = &first_;
  bool turn_taken_ ABSL_GUARDED_BY(mutex_) = false;
  Thread thread_ ABSL_GUARDED_BY(mutex_) = Thread::kDue;
  RetireStats stats_ ABSL_GUARDED_BY(mutex_);
};

[[maybe_unused]] const bool arranged = (Retirer::Get(), true);

}  // namespace

void Retire(RetireHead* head, RetireCallback callback) {
  head->callback = callback;
  Retirer::Get().Push(head);
}

RetireTurn::RetireTurn() : taken_(Retirer::Get().TryTakeTurn()) {}

RetireTurn::~RetireTurn() {
  if (taken_) Retirer::Get().EndTurn();
}

void RetireBarrier() {
  MXA_CHECK(!InReadSection(), "waiting for retired objects inside a read section");
  MXA_CHECK(MayReclaim(), "waiting for retired objects under an array lock or inside a callback");
  OfflineScope offline;
  Retirer::Get().AwaitAll();
}

void StartRetiring() { Retirer::Get().StartThread(); }

RetireStats GetRetireStats() { return Retirer::Get().stats(); }

}  // namespace mxa::reclaim
