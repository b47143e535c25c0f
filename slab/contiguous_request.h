// SPDX-License-Identifier: Apache-2.0
//
// One request for a block: chooses, isolates, evacuates, until it has one, or knows why not, or is told to stop.
//
// It runs on a thread of its own, because an evacuation may have to wait for a grace period that a reader holds up,
// longer than whoever asked wants to wait. Abandoned then, it goes on alone and puts everything back.
//
// Invariants:
//   Cr1  at any time at most one block is isolated for it, and none when it has ended.
//   Cr2  a block that it got goes to whoever asked, or, when it was abandoned, back to the arena.
//   Cr3  it holds no cache back from being destroyed longer than the passes, or the barriers, of one round.
// Threads: Run on one thread; Stop, Await, Abandon and waiting on another's.
#ifndef MXA_SLAB_CONTIGUOUS_REQUEST_H_
#define MXA_SLAB_CONTIGUOUS_REQUEST_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "slab/arena.h"
#include "slab/block_choice.h"
#include "slab/compactor.h"
#include "slab/contiguous_verdict.h"
#include "slab/unit_block.h"

namespace mxa::slab {

class ContiguousRequest {
 public:
  // For a block of `units` units. The arena must have heard BeginUse; Run ends with EndUse.
  ContiguousRequest(Arena& arena, size_t units, absl::Time deadline)
      : arena_(arena), units_(units), deadline_(deadline) {}
  ContiguousRequest(const ContiguousRequest&) = delete;
  ContiguousRequest& operator=(const ContiguousRequest&) = delete;

  // Context: outside read sections and where reclaim is allowed; waits for grace periods.
  void Run();

  // Asks Run to end at the next object.
  void Stop();
  // Waits for its end, at most so long. True when it has ended: block() and verdict() stand then.
  bool Await(absl::Duration timeout);
  // Gives up waiting, while it waits for a grace period itself. False when it does not, or has ended.
  bool Abandon();
  // It waits for a grace period.
  bool waiting() const { return log_.waiting.load(std::memory_order_relaxed); }

  std::optional<UnitBlock> block() const { return block_; }
  const ContiguousVerdict& verdict() const { return verdict_; }
  // What its last evacuation met, while it runs; kDeadline before there was one.
  ContiguousVerdict LastSeen() {
    MutexLock lock(&mutex_);
    return seen_;
  }

 private:
  // What stood in the way last: of objects the one that was asked most often.
  struct Blocker {
    ContiguousVerdict::Kind kind = ContiguousVerdict::Kind::kObject;
    std::string cache;
    ContiguousVerdict::Answer answer = ContiguousVerdict::Answer::kNone;
    uint64_t times = 0;
  };

  std::optional<UnitBlock> Find();
  // Isolates and evacuates; true when the block is taken.
  bool Evacuate(UnitBlock block);
  // A pass over each cache with slabs in the block. False when trying again at once is of no use.
  bool EvacuateOnce(UnitBlock block);
  void Note(const EvacuationLog::Stuck& stuck, const std::string& cache);
  // Calls `work` for each cache of the arena that `wanted` says yes to, one after the other, with no lock.
  void EachCache(absl::FunctionRef<bool(CacheCore&)> wanted, absl::FunctionRef<void(CacheCore&)> work);
  // Makes free what caches hold back: what waits for a grace period, sheaves, empty slabs.
  void Collect();
  // With no block to try: true when it should be looked for again.
  bool ShouldLookAgain(const ArenaSurvey& survey, const BlockChoice& choice);
  bool Stopped() const;
  void Sleep(absl::Duration time);
  // Makes verdict_ of what stood in the way last.
  void NameBlocker();

  Arena& arena_;
  const size_t units_;
  const absl::Time deadline_;
  std::atomic<bool> stop_{false};  // relaxed throughout: a request, not a message

  // Run's own, until it has ended.
  EvacuationLog log_;
  std::map<const void*, Blocker> blockers_;  // by address
  std::vector<const void*> last_blockers_;   // those the last evacuation met
  std::string pass_over_;                    // the cache that another pass was busy with
  uint64_t busy_passes_ = 0;
  bool overlap_ = false;
  size_t unplaced_bytes_ = 0;
  bool collected_ = false;
  bool final_ = false;  // verdict_ stands
  std::optional<UnitBlock> block_;
  ContiguousVerdict verdict_;

  Mutex mutex_;
  CondVar changed_;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
  ContiguousVerdict seen_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_CONTIGUOUS_REQUEST_H_
