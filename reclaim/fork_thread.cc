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

// Whether this thread is counted.
ABSL_CONST_INIT thread_local bool tls_counted = false;

void Enter() {
  g_gate.Enter();
  tls_counted = true;
}
void Leave() {
  tls_counted = false;
  g_gate.Leave();
}

// Has Abseil hand out what the thread needs to wait.
void WaitOnce() {
  Mutex mutex;
  CondVar never;
  MutexLock lock(&mutex);
  never.WaitWithTimeout(&mutex, absl::ZeroDuration());
}

// Made when it is first asked for, and before main: threads may come and go while statics are initialised.
pthread_key_t EndingKey() {
  static const pthread_key_t key = [] {
    WaitOnce();  // so that Abseil has its key: those made later come later in each round
    pthread_key_t made;
    const auto end_round = [](void* value) {
      const uintptr_t round = reinterpret_cast<uintptr_t>(value);
      if (round == kLastRound) return Leave();
      pthread_setspecific(EndingKey(), reinterpret_cast<void*>(round + 1));
    };
    MXA_CHECK(pthread_key_create(&made, end_round) == 0, "no key for the ends of threads");
    const auto close = [] {
      MXA_CHECK(!tls_counted, "fork at the end of a thread of the library's");
      g_gate.CloseAndAwait();
    };
    SetForkHandlers(ForkStage::kThreads, {close, [](ForkSide) { g_gate.Open(); }});
    return made;
  }();
  return key;
}

[[maybe_unused]] const pthread_key_t made_from_start = EndingKey();

struct Birth {
  const char* name;
  void (*body)(void*);
  void* argument;
};

void* Main(void* argument) {
  const Birth birth = *std::unique_ptr<Birth>(static_cast<Birth*>(argument));
  pthread_setname_np(pthread_self(), birth.name);
  tls_counted = true;  // by who started it
  WaitOnce();
  MXA_SCHEDULE_POINT("fork_thread.born");
  Leave();
  birth.body(birth.argument);
  Enter();
  MXA_CHECK(pthread_setspecific(EndingKey(), reinterpret_cast<void*>(uintptr_t{1})) == 0, "cannot tell a thread's end");
  return nullptr;
}

}  // namespace

bool StartThread(const char* name, void (*body)(void*), void* argument, pthread_t* thread) {
  EndingKey();
  auto birth = std::make_unique<Birth>(Birth{name, body, argument});
  // A fault that is blocked ends the process without a word of whoever reports faults.
  sigset_t all;
  sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) sigdelset(&all, fault);
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, &all, &before);
  {
    const OfflineScope offline;
    g_gate.Enter();
  }
  pthread_t started;
  const bool starts = pthread_create(&started, nullptr, &Main, birth.get()) == 0;
  if (!starts) g_gate.Leave();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!starts) return false;
  static_cast<void>(birth.release());  // its own thread ends it
  if (thread != nullptr) {
    *thread = started;
  } else {
    pthread_detach(started);
  }
  return true;
}

}  // namespace mxa::reclaim
