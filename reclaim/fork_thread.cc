// SPDX-License-Identifier: Apache-2.0
#include "reclaim/fork_thread.h"

#include <signal.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/base/attributes.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "base/mutex.h"
#include "base/schedule_point.h"
#include "reclaim/fork.h"
#include "reclaim/rcu.h"

namespace mxa::reclaim {
namespace {

// How many threads are at their birth or their end, and whether a fork keeps others from getting there. Not a mutex: a thread
// at its end has none to wait with any more.
class LifeGate {
 public:
  // Seq_cst, all of it: one word, which changes a few times in a thread's life.
  void Enter() {
    for (uint32_t word = word_.load();;) {
      if ((word & kClosed) != 0) {
        word_.wait(word);
        word = word_.load();
      } else if (word_.compare_exchange_weak(word, word + 1)) {
        return;
      }
    }
  }
  void Leave() {
    if (word_.fetch_sub(1) - 1 == kClosed) word_.notify_all();
  }
  void CloseAndAwait() {
    uint32_t word = word_.fetch_or(kClosed) | kClosed;
    MXA_SCHEDULE_POINT("fork_thread.closed");
    while (word != kClosed) {
      word_.wait(word);
      word = word_.load();
    }
  }
  void Open() {
    word_.store(0);  // nobody is inside, in parent and child
    word_.notify_all();
  }

 private:
  static constexpr uint32_t kClosed = uint32_t{1} << 31;
  std::atomic<uint32_t> word_{0};
};

ABSL_CONST_INIT LifeGate g_gate;

// The destructors of a thread's keys run in rounds, as long as there is a value left. Those of the first round may need what
// Abseil has taken back in it; that is taken back in the second; in the third nothing is left to be done.
constexpr uintptr_t kLastRound = 3;
static_assert(kLastRound <= PTHREAD_DESTRUCTOR_ITERATIONS);

pthread_key_t g_ending;

void EndRound(void* value) {
  const uintptr_t round = reinterpret_cast<uintptr_t>(value);
  if (round == kLastRound) return g_gate.Leave();
  pthread_setspecific(g_ending, reinterpret_cast<void*>(round + 1));
}

[[maybe_unused]] const bool arranged = [] {
  MXA_CHECK(pthread_key_create(&g_ending, &EndRound) == 0, "no key for the ends of threads");
  SetForkHandlers(ForkStage::kThreads, {[] { g_gate.CloseAndAwait(); }, [](ForkSide) { g_gate.Open(); }});
  return true;
}();

struct Birth {
  const char* name;
  void (*body)(void*);
  void* argument;
};

// Has Abseil hand out what the thread needs to wait.
void WaitOnce() {
  Mutex mutex;
  CondVar never;
  MutexLock lock(&mutex);
  never.WaitWithTimeout(&mutex, absl::ZeroDuration());
}

void* Main(void* argument) {
  const Birth birth = *std::unique_ptr<Birth>(static_cast<Birth*>(argument));
  pthread_setname_np(pthread_self(), birth.name);
  WaitOnce();
  MXA_SCHEDULE_POINT("fork_thread.born");
  g_gate.Leave();
  birth.body(birth.argument);
  g_gate.Enter();
  MXA_CHECK(pthread_setspecific(g_ending, reinterpret_cast<void*>(uintptr_t{1})) == 0, "cannot tell a thread's end");
  return nullptr;
}

}  // namespace

bool StartThread(const char* name, void (*body)(void*), void* argument, pthread_t* thread) {
  auto birth = std::make_unique<Birth>(Birth{name, body, argument});
  {
    const OfflineScope offline;
    g_gate.Enter();
  }
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t started;
  const bool starts = pthread_create(&started, nullptr, &Main, birth.get()) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!starts) {
    g_gate.Leave();
    return false;
  }
  static_cast<void>(birth.release());  // its own thread ends it
  if (thread != nullptr) {
    *thread = started;
  } else {
    pthread_detach(started);
  }
  return true;
}

}  // namespace mxa::reclaim
