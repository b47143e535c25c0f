// SPDX-License-Identifier: Apache-2.0
#include "slab/contiguous_request.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "base/schedule_point.h"
#include "slab/arena_survey.h"
#include "slab/block_isolation.h"
#include "slab/cache_core.h"
#include "slab/pinned_caches.h"
#include "slab/take_back.h"

namespace mxa::slab {
namespace {

using Kind = ContiguousVerdict::Kind;
using Answer = ContiguousVerdict::Answer;

// A block is evacuated so often before the next cheapest has its turn.
constexpr int kAttempts = 3;
// So often an evacuation may find less room than the survey had seen before that is the answer.
constexpr int kShortRounds = 3;
constexpr absl::Duration kShortest = absl::Microseconds(200);
constexpr absl::Duration kLongest = absl::Milliseconds(20);
// Answers are counted for this many objects.
constexpr size_t kMostBlockers = 4096;

Answer AnswerOf(const EvacuationLog::Stuck& stuck) {
  if (stuck.refused) return Answer::kNone;
  if (stuck.kept_back) return Answer::kKeptBack;
  return stuck.result == reclaim::MoveResult::kPinned ? Answer::kPinned : Answer::kBusy;
}

}  // namespace

bool ContiguousRequest::Stopped() const { return stop_.load(std::memory_order_relaxed) || absl::Now() >= deadline_; }

void ContiguousRequest::Stop() {
  stop_.store(true, std::memory_order_relaxed);
  MutexLock lock(&mutex_);
  changed_.SignalAll();
}

void ContiguousRequest::Sleep(absl::Duration time) {
  const absl::Time until = std::min(absl::Now() + time, deadline_);
  MutexLock lock(&mutex_);
  while (!stop_.load(std::memory_order_relaxed) && !changed_.WaitWithDeadline(&mutex_, until)) {
  }
}

bool ContiguousRequest::Await(absl::Duration timeout) {
  const absl::Time until = absl::Now() + timeout;
  MutexLock lock(&mutex_);
  while (!done_ && !changed_.WaitWithDeadline(&mutex_, until)) {
  }
  return done_;
}

bool ContiguousRequest::Abandon() {
  MutexLock lock(&mutex_);
  if (done_ || !waiting()) return false;
  abandoned_ = true;
  return true;
}

void ContiguousRequest::Run() {
  block_ = Find();
  if (!block_.has_value() && !final_) NameBlocker();
  MXA_SCHEDULE_POINT("contiguous.before_done");
  bool give_back;
  {
    MutexLock lock(&mutex_);
    done_ = true;
    give_back = abandoned_ && block_.has_value();
    changed_.SignalAll();
  }
  if (give_back) arena_.FreeBlock(arena_.AddressOf(*block_));
  arena_.EndUse();
}

std::optional<UnitBlock> ContiguousRequest::Find() {
  int short_rounds = 0;
  absl::Duration pause = kShortest;
  while (!Stopped()) {
    TakeBackEmptySlabs(arena_, /*may_destroy=*/true);
    if (std::optional<UnitBlock> block = arena_.TakeBlock(units_)) return block;
    const ArenaSurvey survey = Survey(arena_);
    const BlockChoice choice = ChooseBlocks(survey, units_, arena_.FirstAligned(units_));
    if (choice.candidates.empty() && !ShouldLookAgain(survey, choice)) return std::nullopt;
    unplaced_bytes_ = 0;
    for (const UnitBlock& block : choice.candidates) {
      if (Stopped() || unplaced_bytes_ != 0) break;
      if (Evacuate(block)) return block;
    }
    if (unplaced_bytes_ != 0) {
      if (!collected_) {
        Collect();
      } else if (arena_.isolations() == 0 && ++short_rounds == kShortRounds) {
        verdict_.kind = Kind::kNoMemory;
        verdict_.missing_bytes = unplaced_bytes_;
        final_ = true;
        return std::nullopt;
      }
    }
    Sleep(pause);
    pause = std::min(2 * pause, kLongest);
  }
  return std::nullopt;
}

bool ContiguousRequest::ShouldLookAgain(const ArenaSurvey& survey, const BlockChoice& choice) {
  if (!collected_) {
    Collect();
    return true;
  }
  if (choice.others_isolate || arena_.isolations() != 0) {
    overlap_ = true;
    last_blockers_.clear();
    return true;
  }
  final_ = true;
  if (choice.missing_bytes != 0) {
    verdict_.kind = Kind::kNoMemory;
    verdict_.missing_bytes = choice.missing_bytes;
    return false;
  }
  verdict_.kind = Kind::kUnmovable;
  if (!choice.nearest_pinned.has_value()) {
    verdict_.kind = Kind::kImpossible;  // no aligned block of this size lies in the reservation
    return false;
  }
  const ArenaSurvey::SlabUse* slab = survey.SlabAt(*choice.nearest_pinned);
  verdict_.address = arena_.AddressOf({slab == nullptr ? *choice.nearest_pinned : slab->first_unit, 1});
  if (slab != nullptr) verdict_.cache = survey.caches[slab->cache].name;
  return false;
}

bool ContiguousRequest::Evacuate(UnitBlock block) {
  MXA_SCHEDULE_POINT("contiguous.before_isolation");
  BlockIsolation isolation(arena_, block);
  if (!isolation.holds()) {
    overlap_ = overlap_ || arena_.isolations() != 0;
    return false;
  }
  MXA_SCHEDULE_POINT("contiguous.isolated");
  absl::Duration pause = kShortest;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (isolation.Take()) return true;
    if (Stopped()) return false;
    const bool again = EvacuateOnce(block);
    MXA_SCHEDULE_POINT("contiguous.evacuated");
    if (isolation.Take()) return true;
    if (!again) return false;
    Sleep(pause);
    pause *= 2;
  }
  return isolation.Take();
}

void ContiguousRequest::EachCache(absl::FunctionRef<bool(CacheCore&)> wanted,
                                  absl::FunctionRef<void(CacheCore&)> work) {
  ForEachPinnedCache(arena_, [&](CacheCore& cache) {
    if (wanted(cache)) work(cache);
    return true;
  });
}

bool ContiguousRequest::EvacuateOnce(UnitBlock block) {
  const uintptr_t begin = reinterpret_cast<uintptr_t>(arena_.AddressOf(block));
  const CompactOptions options = {.mode = CompactOptions::Mode::kEvacuate,
                                  .range_begin = begin,
                                  .range_end = begin + block.bytes(),
                                  .cancel = &stop_};
  last_blockers_.clear();
  pass_over_.clear();
  overlap_ = false;
  bool again = true;
  EachCache(
      [&](CacheCore& cache) {
        return cache.options().movable != nullptr && cache.store().ReachesInto(begin, begin + block.bytes());
      },
      [&](CacheCore& cache) {
        log_.stuck.clear();
        const absl::StatusOr<CompactStats> pass = RunPass(cache, options, &log_);
        const std::string& name = cache.options().name;
        if (!pass.ok()) {
          pass_over_ = name;
          ++busy_passes_;
          return;
        }
        unplaced_bytes_ += pass->objects_unplaced * cache.store().stride();
        for (const EvacuationLog::Stuck& stuck : log_.stuck) {
          if (arena_.IsFree(arena_.UnitOf(stuck.address))) continue;  // retired: it went with the batch
          Note(stuck, name);
          again = again && !stuck.refused && stuck.result != reclaim::MoveResult::kPinned;
        }
      });
  NameBlocker();
  {
    MutexLock lock(&mutex_);
    seen_ = verdict_;
  }
  return again && unplaced_bytes_ == 0;
}

void ContiguousRequest::Note(const EvacuationLog::Stuck& stuck, const std::string& cache) {
  if (blockers_.size() >= kMostBlockers) blockers_.clear();
  Blocker& blocker = blockers_[stuck.address];
  const Kind kind = stuck.refused ? Kind::kRefused : Kind::kObject;
  const Answer answer = AnswerOf(stuck);
  if (blocker.kind != kind || blocker.answer != answer) blocker.times = 0;
  blocker.kind = kind;
  blocker.cache = cache;
  blocker.answer = answer;
  ++blocker.times;
  last_blockers_.push_back(stuck.address);
}

void ContiguousRequest::NameBlocker() {
  verdict_ = {};
  if (!last_blockers_.empty()) {
    const void* most =
        *std::max_element(last_blockers_.begin(), last_blockers_.end(),
                          [&](const void* a, const void* b) { return blockers_[a].times < blockers_[b].times; });
    const Blocker& blocker = blockers_[most];
    verdict_.kind = blocker.kind;
    verdict_.cache = blocker.cache;
    verdict_.address = most;
    verdict_.answer = blocker.answer;
    verdict_.times = blocker.times;
  } else if (!pass_over_.empty()) {
    verdict_.kind = Kind::kPassElsewhere;
    verdict_.cache = pass_over_;
    verdict_.times = busy_passes_;
  } else {
    verdict_.kind = overlap_ ? Kind::kOverlap : Kind::kDeadline;
  }
  verdict_.deadline_passed = absl::Now() >= deadline_;
}

void ContiguousRequest::Collect() {
  collected_ = true;
  log_.waiting.store(true, std::memory_order_relaxed);
  EachCache([](CacheCore&) { return true; }, [](CacheCore& cache) { cache.Shrink(); });
  log_.waiting.store(false, std::memory_order_relaxed);
}

}  // namespace mxa::slab
