// SPDX-License-Identifier: Apache-2.0
#include "reclaim/background_round.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "reclaim/clock.h"
#include "reclaim/fork_hold.h"
#include "reclaim/shrinker_registry.h"

namespace mxa::reclaim {

struct SourceHandle::Record : RosterMember {
  explicit Record(ReclaimSource& source) : RosterMember(source.name()), source(source) {}

  ReclaimSource& source;
  std::atomic<bool> cancel{false};
  SourcePace pace;      // of whoever is inside
  mutable Mutex mutex;  // a leaf lock, held only inside a ForkHold
  SourceStatus status ABSL_GUARDED_BY(mutex);
};

struct BackgroundRound::Candidate {
  std::shared_ptr<RosterMember> member;
  ReclaimCost cost;
  uint64_t idle;
};

SourceHandle::SourceHandle(Roster* roster, std::shared_ptr<Record> record)
    : roster_(roster), record_(std::move(record)) {}

SourceHandle::SourceHandle(SourceHandle&& other) noexcept
    : roster_(std::exchange(other.roster_, nullptr)), record_(std::move(other.record_)) {}

SourceHandle& SourceHandle::operator=(SourceHandle&& other) noexcept {
  if (this == &other) return *this;
  Reset();
  roster_ = std::exchange(other.roster_, nullptr);
  record_ = std::move(other.record_);
  return *this;
}

void SourceHandle::Reset() {
  if (record_ == nullptr) return;
  record_->cancel.store(true, std::memory_order_relaxed);  // relaxed: a request, not a message
  roster_->Remove(*record_);
  record_ = nullptr;
  roster_ = nullptr;
}

SourceHandle BackgroundRound::Add(ReclaimSource& source) {
  auto record = std::make_shared<SourceHandle::Record>(source);
  // Relaxed, here and below: a request; a slice that misses it is told by the next Cancel or ends by itself.
  record->cancel.store(cancelled_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  roster_.Add(record);
  return SourceHandle(&roster_, std::move(record));
}

void BackgroundRound::Cancel() {
  cancelled_.store(true, std::memory_order_relaxed);
  for (const auto& member : roster_.Members()) {
    static_cast<SourceHandle::Record&>(*member).cancel.store(true, std::memory_order_relaxed);
  }
}

void BackgroundRound::Resume() {
  cancelled_.store(false, std::memory_order_relaxed);
  for (const auto& member : roster_.Members()) {
    static_cast<SourceHandle::Record&>(*member).cancel.store(false, std::memory_order_relaxed);
  }
}

std::vector<BackgroundRound::Candidate> BackgroundRound::Candidates(PressureLevel level) {
  std::vector<Candidate> candidates;
  const absl::Duration now = options_.clock->Now();
  for (const auto& member : roster_.Members()) {
    auto& record = static_cast<SourceHandle::Record&>(*member);
    const RosterVisit visit(roster_, record, now);
    if (!visit.inside()) continue;
    const ReclaimHeld held = record.source.Held();
    {
      MutexLock lock(&record.mutex);
      record.status.held = held;
    }
    if (record.pace.Due(held, level, now, options_)) {
      candidates.push_back({member, record.source.cost(), held.idle_bytes});
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.cost != b.cost ? a.cost < b.cost : a.idle > b.idle;
  });
  return candidates;
}

ReclaimGain BackgroundRound::Slice(SourceHandle::Record& record, const Pressure& pressure, uint64_t wanted) {
  const absl::Duration start = options_.clock->Now();
  const RosterVisit visit(roster_, record, start);
  if (!visit.inside()) return {};
  const absl::Duration cpu_start = options_.clock->ThreadCpu();
  const ReclaimGain gain =
      record.source.Reclaim({.wanted_bytes = wanted, .slice = options_.slice, .cancel = &record.cancel});
  const absl::Duration cpu = options_.clock->ThreadCpu() - cpu_start;
  const absl::Duration end = options_.clock->Now();
  record.pace.Record(gain.bytes, end, options_);
  const bool fruitless = gain.bytes < options_.least_gain_bytes;
  {
    MutexLock lock(&record.mutex);
    ++record.status.slices;
    record.status.fruitless += fruitless ? 1 : 0;
    record.status.bytes += gain.bytes;
    record.status.backoff = record.pace.backoff();
  }
  MutexLock lock(&mutex_);
  ++totals_.slices;
  totals_.fruitless += fruitless ? 1 : 0;
  totals_.longest_slice_cpu = std::max(totals_.longest_slice_cpu, cpu);
  totals_.longest_slice = std::max(totals_.longest_slice, end - start);
  if (pressure.level == PressureLevel::kNone) {
    totals_.idle_bytes += gain.bytes;
    totals_.last_reason = absl::StrCat("idle memory of ", record.name());
  } else {
    totals_.pressed_bytes += gain.bytes;
    totals_.last_reason = absl::StrCat("pressure: ", PressureLevelName(pressure.level), ", ", pressure.source);
  }
  return gain;
}

uint64_t BackgroundRound::AskShrinkers(const Pressure& pressure, uint64_t wanted) {
  if (options_.shrinkers->empty()) return 0;
  const ShrinkResult result = options_.shrinkers->Shrink({.priority = shrink_pace_.Priority(pressure.level),
                                                          .wanted_bytes = wanted,
                                                          .time_limit = options_.slice,
                                                          .cancel = &cancelled_});
  MutexLock lock(&mutex_);
  totals_.shrinker_bytes += result.bytes;
  totals_.shrinker_objects += result.objects;
  if (result.scans != 0) {
    totals_.last_reason = absl::StrCat("pressure: ", PressureLevelName(pressure.level), ", ", pressure.source);
  }
  return result.bytes;
}

RoundGain BackgroundRound::Run(const Pressure& pressure) {
  const ForkHold hold;  // nothing is half changed in a child
  const bool pressed = pressure.level != PressureLevel::kNone;
  const uint64_t wanted = pressed ? pressure.wanted_bytes : ~uint64_t{0};
  const absl::Duration cpu_start = options_.clock->ThreadCpu();
  RoundGain gained;
  const auto in_time = [&] { return options_.clock->ThreadCpu() - cpu_start + gained.cpu_elsewhere < options_.slice; };
  const auto enough = [&] { return gained.bytes >= wanted || cancelled_.load(std::memory_order_relaxed); };
  for (const Candidate& candidate : Candidates(pressure.level)) {
    if (enough() || !in_time()) break;
    const ReclaimGain gain =
        Slice(static_cast<SourceHandle::Record&>(*candidate.member), pressure, wanted - gained.bytes);
    gained.bytes += gain.bytes;
    gained.cpu_elsewhere += gain.cpu_elsewhere;
  }
  if (pressed && !enough() && (in_time() || pressure.level == PressureLevel::kCritical)) {
    gained.bytes += AskShrinkers(pressure, wanted - gained.bytes);
  }
  shrink_pace_.Record(/*met=*/!pressed || gained.bytes >= wanted);
  MutexLock lock(&mutex_);
  ++totals_.rounds;
  return gained;
}

RoundTotals BackgroundRound::Totals() const {
  const ForkHold hold;
  MutexLock lock(&mutex_);
  return totals_;
}

std::vector<SourceStatus> BackgroundRound::Sources() const {
  const ForkHold hold;
  std::vector<SourceStatus> all;
  for (const auto& member : roster_.Members()) {
    const auto& record = static_cast<const SourceHandle::Record&>(*member);
    MutexLock lock(&record.mutex);
    all.push_back(record.status);
    all.back().name = record.name();
  }
  return all;
}

}  // namespace mxa::reclaim
