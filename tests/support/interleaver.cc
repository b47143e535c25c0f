// SPDX-License-Identifier: Apache-2.0
#include "tests/support/interleaver.h"

#include <atomic>
#include <optional>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/check.h"
#include "reclaim/rcu.h"

namespace mxa::tests {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

// Points are reached from any thread, also from ones that know nothing of the test and go on when it has ended: those that
// retire, and keep house. So an interleaver does not end before who looks at it. Sequentially consistent, all: who counts
// itself in and the end's taking away cross.
std::atomic<Interleaver*> g_interleaver{nullptr};
std::atomic<int> g_inside{0};

}  // namespace

#if MXA_HOOKS

Interleaver::Interleaver() {
  Interleaver* none = nullptr;
  MXA_CHECK(g_interleaver.compare_exchange_strong(none, this), "two interleavers at a time");
  SetScheduleHandlerForTest(&OnPoint);
}

Interleaver::~Interleaver() {
  SetScheduleHandlerForTest(nullptr);
  {
    MutexLock lock(&mutex_);
    for (const auto& [point, state] : holds_) {
      MXA_CHECK(state == State::kReleased, ("a hold was not met and released: " + point).c_str());
    }
  }
  g_interleaver.store(nullptr);
  while (g_inside.load() != 0) std::this_thread::yield();  // nobody stands at a point any more
}

#else

Interleaver::Interleaver() { MXA_CHECK(false, "schedule points are not compiled in"); }
Interleaver::~Interleaver() = default;

#endif

void Interleaver::Hold(const std::string& point) {
  MutexLock lock(&mutex_);
  holds_[point] = State::kArmed;
}

void Interleaver::AwaitHeld(const std::string& point) {
  std::optional<reclaim::OfflineScope> offline;
  if (!reclaim::InReadSection()) offline.emplace();
  const absl::Time deadline = absl::Now() + kPatience;
  MutexLock lock(&mutex_);
  MXA_CHECK(holds_.count(point) == 1, "waiting at a point that nothing is held at");
  while (holds_[point] == State::kArmed) {
    MXA_CHECK(!changed_.WaitWithDeadline(&mutex_, deadline), ("nobody came to " + point).c_str());
  }
}

void Interleaver::Release(const std::string& point) {
  MutexLock lock(&mutex_);
  MXA_CHECK(holds_[point] == State::kHeld, ("nobody stands at " + point).c_str());
  holds_[point] = State::kReleased;
  changed_.SignalAll();
}

void Interleaver::OnPoint(const char* point) {
  g_inside.fetch_add(1);
  if (Interleaver* interleaver = g_interleaver.load()) interleaver->Reach(point);
  g_inside.fetch_sub(1);
}

void Interleaver::Reach(const char* point) {
  MutexLock lock(&mutex_);
  const auto hold = holds_.find(point);
  if (hold == holds_.end() || hold->second != State::kArmed) return;
  hold->second = State::kHeld;
  changed_.SignalAll();
  const absl::Time deadline = absl::Now() + kPatience;
  while (hold->second == State::kHeld) {
    MXA_CHECK(!changed_.WaitWithDeadline(&mutex_, deadline), (std::string("nobody released ") + point).c_str());
  }
}

}  // namespace mxa::tests
