// SPDX-License-Identifier: Apache-2.0
//
// One round of the background reclaimer: asks the sources that are due, cheapest first, then the shrinkers.
//
// Order: sources by ReclaimCost, of equal ones that with the most idle memory first; each gets one slice. The round ends
// when what is wanted is back or the slice's processor time is used up. Shrinkers lose what others may want again: they
// are asked under pressure only, for what the sources did not give, at a priority that rises with the level. At
// kCritical they are asked even when the time is used up.
// Threads: Run and the pace by one thread at a time; Cancel and Resume, sources and figures by any.
#ifndef MXA_RECLAIM_BACKGROUND_ROUND_H_
#define MXA_RECLAIM_BACKGROUND_ROUND_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/mutex.h"
#include "reclaim/background_options.h"
#include "reclaim/background_pace.h"
#include "reclaim/pressure_monitor.h"
#include "reclaim/reclaim_source.h"
#include "reclaim/roster.h"

namespace mxa::reclaim {

struct SourceStatus {
  std::string name;
  uint64_t slices = 0;
  uint64_t fruitless = 0;  // of these, with less than least_gain_bytes
  uint64_t bytes = 0;
  ReclaimHeld held;                               // at the last look
  absl::Duration backoff = absl::ZeroDuration();  // 0: none
};

struct RoundTotals {
  uint64_t rounds = 0;  // looks at all sources
  uint64_t slices = 0;
  uint64_t fruitless = 0;
  uint64_t idle_bytes = 0;      // given back without pressure
  uint64_t pressed_bytes = 0;   // under pressure, by sources
  uint64_t shrinker_bytes = 0;  // by shrinkers, as they say
  uint64_t shrinker_objects = 0;
  absl::Duration longest_slice_cpu = absl::ZeroDuration();
  absl::Duration longest_slice = absl::ZeroDuration();  // elapsed, waits for grace periods included
  std::string last_reason;                              // why the last slice was done
};

struct RoundGain {
  uint64_t bytes = 0;
  absl::Duration cpu_elsewhere = absl::ZeroDuration();  // as the sources know of it
};

// Ends a source's registration when it goes.
class [[nodiscard]] SourceHandle {
 public:
  SourceHandle() = default;
  SourceHandle(SourceHandle&& other) noexcept;
  SourceHandle& operator=(SourceHandle&& other) noexcept;
  ~SourceHandle() { Reset(); }

  // Cancels a slice of it that is under way, and waits for its end.
  // REQUIRES: not from inside the source.    (CHECKed)
  // Context: no read section; no lock that the source takes.
  void Reset();

 private:
  friend class BackgroundRound;
  struct Record;
  SourceHandle(Roster* roster, std::shared_ptr<Record> record);

  Roster* roster_ = nullptr;
  std::shared_ptr<Record> record_;
};

class BackgroundRound {
 public:
  // `options` with its shrinkers and clock given; outlives this.
  explicit BackgroundRound(const BackgroundOptions& options) : options_(options) {}

  SourceHandle Add(ReclaimSource& source);

  // Context: no lock, read section or reclaim callback; may wait for grace periods.
  RoundGain Run(const Pressure& pressure);

  // Every slice under way or yet to come is cancelled, until Resume.
  void Cancel();
  void Resume();

  RoundTotals Totals() const;
  std::vector<SourceStatus> Sources() const;
  std::vector<RosterOccupied> Occupied() const { return roster_.Occupied(); }

 private:
  struct Candidate;

  std::vector<Candidate> Candidates(PressureLevel level);
  ReclaimGain Slice(SourceHandle::Record& record, const Pressure& pressure, uint64_t wanted);
  uint64_t AskShrinkers(const Pressure& pressure, uint64_t wanted);

  const BackgroundOptions& options_;
  Roster roster_;
  ShrinkPace shrink_pace_;
  std::atomic<bool> cancelled_{false};
  mutable Mutex mutex_;  // a leaf lock, held only inside a ForkHold
  RoundTotals totals_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mxa::reclaim

#endif  // MXA_RECLAIM_BACKGROUND_ROUND_H_
