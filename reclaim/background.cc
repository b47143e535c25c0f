// SPDX-License-Identifier: Apache-2.0
#include "reclaim/background.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "reclaim/clock.h"
#include "reclaim/fork.h"
#include "reclaim/fork_hold.h"
#include "reclaim/fork_thread.h"
#include "reclaim/rcu.h"
#include "reclaim/shrinker_registry.h"

namespace mxa::reclaim {
namespace {

BackgroundOptions Complete(BackgroundOptions options) {
  MXA_CHECK(options.duty_percent > 0 && options.duty_percent <= 100, "a duty limit that is no share of a processor");
  MXA_CHECK(
      options.idle_stop_bytes <= options.idle_start_bytes && options.idle_stop_percent <= options.idle_start_percent,
      "a stop mark above its start mark");
  MXA_CHECK(options.period > absl::ZeroDuration() && options.slice > absl::ZeroDuration(),
            "a period or a slice of nothing");
  if (options.shrinkers == nullptr) options.shrinkers = &ShrinkerRegistry::Default();
  if (options.clock == nullptr) options.clock = &ReclaimClock::System();
  return options;
}

}  // namespace

BackgroundReclaimer::BackgroundReclaimer(const BackgroundOptions& options, std::unique_ptr<PressureMonitor> monitor)
    : options_(Complete(options)),
      monitor_(monitor != nullptr ? std::move(monitor)
                                  : std::make_unique<PressureMonitor>(std::vector<std::unique_ptr<PressureSource>>())),
      round_(options_),
      duty_(options_.duty_percent) {}

BackgroundReclaimer::~BackgroundReclaimer() { Stop(); }

bool BackgroundReclaimer::running() const {
  const ForkHold hold;
  MutexLock lock(&mutex_);
  return started_ && generation_ == ForkGeneration();
}

absl::Status BackgroundReclaimer::Start() {
  if (running()) return absl::OkStatus();
  UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return absl::ResourceExhaustedError("no descriptor for the background reclaimer");
  const ForkHold hold;  // the thread is there in this generation, or not at all
  round_.Resume();
  MutexLock lock(&mutex_);
  if (generation_ != ForkGeneration()) monitor_->Reopen();
  wake_ = std::move(wake);
  stop_.store(false, std::memory_order_relaxed);  // relaxed, here and below: the thread's start orders it
  duty_ = DutyPace(options_.duty_percent);
  if (!StartThread("mxa-reclaim", &ThreadMain, this, &thread_)) {
    return absl::ResourceExhaustedError("no thread for the background reclaimer");
  }
  started_ = true;
  generation_ = ForkGeneration();
  state_ = BackgroundState::kWatching;
  ran_ = absl::ZeroDuration();
  started_at_ = options_.clock->Now();
  cpu_ = absl::ZeroDuration();
  return absl::OkStatus();
}

void BackgroundReclaimer::Stop() {
  if (!running()) return;
  MXA_CHECK(!InReadSection(), "stopping the background reclaimer inside a read section");
  MXA_CHECK(pthread_equal(thread_, pthread_self()) == 0, "the background reclaimer stopped by its own thread");
  stop_.store(true, std::memory_order_relaxed);  // relaxed: a request; the wake-up follows it
  round_.Cancel();
  Poke();
  {
    const OfflineScope offline;
    MXA_CHECK(pthread_join(thread_, nullptr) == 0, "the background reclaimer's thread cannot be joined");
  }
  const ForkHold hold;
  MutexLock lock(&mutex_);
  started_ = false;
  state_ = BackgroundState::kStopped;
  ran_ = options_.clock->Now() - started_at_;
}

void BackgroundReclaimer::Poke() {
  const ForkHold hold;
  MutexLock lock(&mutex_);
  if (!started_ || generation_ != ForkGeneration()) return;
  const uint64_t one = 1;
  // Refused only when it has been readable for ever.
  if (write(wake_.get(), &one, sizeof(one)) != sizeof(one)) MXA_CHECK(errno == EAGAIN, "cannot wake the reclaimer");
}

void BackgroundReclaimer::ThreadMain(void* self) { static_cast<BackgroundReclaimer*>(self)->Loop(); }

void BackgroundReclaimer::Loop() {
  absl::Duration cpu_seen = options_.clock->ThreadCpu();
  absl::Duration next_look = options_.clock->Now();
  while (!stop_.load(std::memory_order_relaxed)) {
    const absl::Duration now = options_.clock->Now();
    if (duty_.not_before() > now) {
      SetState(BackgroundState::kResting);
      if (Await(duty_.not_before() - now)) next_look = now;  // an event, or a poke: once it has rested
      continue;
    }
    if (next_look > now) {
      SetState(BackgroundState::kWatching);
      if (Await(next_look - now)) next_look = now;
      continue;
    }
    const ForkHold hold;  // nothing is half changed in a child
    SetState(BackgroundState::kWorking);
    const Pressure pressure = monitor_->Read();
    const RoundGain gain = round_.Run(pressure);
    // More of it at once only as long as it gives something.
    next_look = gain.bytes >= options_.least_gain_bytes ? now : now + options_.period;
    // All of the thread's time, looks and waits included.
    const absl::Duration cpu = options_.clock->ThreadCpu() - cpu_seen;
    cpu_seen += cpu;
    duty_.Record(now, cpu + gain.cpu_elsewhere);
    MutexLock lock(&mutex_);
    cpu_ += cpu + gain.cpu_elsewhere;
    pressure_ = pressure;
  }
}

bool BackgroundReclaimer::Await(absl::Duration timeout) {
  const bool event = monitor_->Wait(timeout, wake_.get());
  uint64_t pokes;
  // Nothing to read when it was another event, or none.
  if (read(wake_.get(), &pokes, sizeof(pokes)) < 0) MXA_CHECK(errno == EAGAIN || errno == EINTR, "cannot be woken");
  return event;
}

void BackgroundReclaimer::SetState(BackgroundState state) {
  const ForkHold hold;
  MutexLock lock(&mutex_);
  state_ = state;
}

BackgroundStatus BackgroundReclaimer::Status() const {
  BackgroundStatus status;
  status.totals = round_.Totals();
  status.sources = round_.Sources();
  status.triggers = monitor_->Status();
  status.inside = round_.Occupied();
  const ForkHold hold;
  MutexLock lock(&mutex_);
  const bool running = started_ && generation_ == ForkGeneration();
  if (running) status.state = state_;
  status.pressure = pressure_;
  status.running = running ? options_.clock->Now() - started_at_ : ran_;
  status.cpu = cpu_;
  if (status.running > absl::ZeroDuration()) status.cpu_percent = 100 * absl::FDivDuration(status.cpu, status.running);
  return status;
}

}  // namespace mxa::reclaim
