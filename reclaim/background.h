// SPDX-License-Identifier: Apache-2.0
//
// A thread that gives memory back: when sources hold much more than they need, and when memory is short.
//
//   BackgroundReclaimer reclaimer({.duty_percent = 5}, PressureMonitor::OfSystem());
//   slab::ArenaSource nodes(slab::Arena::Default());
//   SourceHandle handle = reclaimer.AddSource(nodes);
//   reclaimer.Start().IgnoreError();
//
// Invariants:
//   B1  the thread's processor time, all of it, is at most duty_percent of the time elapsed, but for what the last slice
//       took and has not rested for yet.
//   B2  after Stop has returned no source and no shrinker is called by this reclaimer.
//   B3  a source with nothing idle is not called; one that gained nothing is called again only after its back-off.
// Threads: Start, Stop and the destructor by one thread at a time; everything else by any.
// Fork: a fork waits for a round under way. The child has no such thread: Start starts one, with sources, figures and
// options as they were, and triggers of its own.
// Why not in the threads that allocate: they would wait when there is the least time for it. (They do as a last resort:
// slab/direct_reclaim.h.)
#ifndef MXA_RECLAIM_BACKGROUND_H_
#define MXA_RECLAIM_BACKGROUND_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "reclaim/background_options.h"
#include "reclaim/background_round.h"
#include "reclaim/pressure_monitor.h"
#include "reclaim/reclaim_source.h"

namespace mxa::reclaim {

enum class BackgroundState : uint8_t {
  kStopped,   // no thread, also: in the child of a fork
  kWatching,  // waits for the next look
  kWorking,   // in a round
  kResting,   // waits until its duty limit lets it work again
};
absl::string_view BackgroundStateName(BackgroundState state);

struct BackgroundStatus {
  BackgroundState state = BackgroundState::kStopped;
  Pressure pressure;  // at the last look
  RoundTotals totals;
  absl::Duration running = absl::ZeroDuration();  // since the last Start
  absl::Duration cpu = absl::ZeroDuration();      // of the thread in that time, up to its last wait
  double cpu_percent = 0;                         // of one processor
  std::vector<SourceStatus> sources;
  std::vector<PressureSourceStatus> triggers;
  std::vector<RosterOccupied> inside;  // the source it is in, and since when
};
// In lines, for people.
std::string ToString(const BackgroundStatus& status);

class BackgroundReclaimer {
 public:
  // `monitor` null: looks at idle memory only.
  // REQUIRES: 0 < duty_percent <= 100, stop marks at most start marks, a period and a slice above zero.    (CHECKed)
  explicit BackgroundReclaimer(const BackgroundOptions& options = {},
                               std::unique_ptr<PressureMonitor> monitor = nullptr);
  // Stops. REQUIRES: every source's handle has gone.    (CHECKed)
  ~BackgroundReclaimer();
  BackgroundReclaimer(const BackgroundReclaimer&) = delete;
  BackgroundReclaimer& operator=(const BackgroundReclaimer&) = delete;

  // `source` outlives the handle, and the handle does not outlive the reclaimer.
  SourceHandle AddSource(ReclaimSource& source) { return round_.Add(source); }

  // Nothing, when it runs.
  // Errors: kResourceExhausted when the system has no thread or no descriptor left.
  absl::Status Start();

  // Cancels the slice under way, and waits for its end. Nothing, when it does not run.
  // Context: no read section, no lock that a source or shrinker takes; not on the reclaimer's thread. (CHECKed in part)
  void Stop();

  // Looks at once, if the duty limit lets it.
  void Poke();

  BackgroundStatus Status() const;

 private:
  static void ThreadMain(void* self);
  void Loop();
  // True when there was an event or a poke.
  bool Await(absl::Duration timeout);
  void SetState(BackgroundState state);
  bool running() const;

  const BackgroundOptions options_;
  const std::unique_ptr<PressureMonitor> monitor_;
  BackgroundRound round_;

  pthread_t thread_{};  // of the owner
  std::atomic<bool> stop_{false};
  UniqueFd wake_;

  DutyPace duty_;  // of the thread

  mutable Mutex mutex_;  // a leaf lock, held only inside a ForkHold
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;  // of the process that the thread is in
  BackgroundState state_ ABSL_GUARDED_BY(mutex_) = BackgroundState::kStopped;
  Pressure pressure_ ABSL_GUARDED_BY(mutex_);
  absl::Duration started_at_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();
  absl::Duration ran_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();  // until the last Stop
  absl::Duration cpu_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_BACKGROUND_H_
