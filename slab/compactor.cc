// SPDX-License-Identifier: Apache-2.0
#include "slab/compactor.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "reclaim/context.h"
#include "reclaim/movable.h"
#include "reclaim/rcu.h"
#include "reclaim/retire.h"
#include "slab/destinations.h"
#include "slab/fork.h"
#include "slab/housekeeper.h"
#include "slab/node_moves.h"
#include "slab/order_plan.h"
#include "slab/pass_batch.h"
#include "slab/pass_waits.h"
#include "slab/slices.h"
#include "slab/victims.h"

namespace mxa::slab {
namespace {

using Clock = std::chrono::steady_clock;

uint64_t NanosecondsSince(Clock::time_point start) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
}

class Pass {
 public:
  Pass(CacheCore& cache, const CompactOptions& options, EvacuationLog* log)
      : cache_(cache),
        store_(cache.store()),
        options_(options),
        log_(log),
        slices_(options, stats_),
        order_(cache),
        batch_objects_(options.batch_objects) {}

  absl::StatusOr<CompactStats> Run() {
    stats_.passes = 1;
    slices_.Begin();
    cache_.BeginSlow();
    for (Barn& barn : cache_.barns()) barn.StartFiltering();
    cache_.FlushAllSheaves();
    ReleaseEmpty();
    const absl::Status planned = PlanVictims();
    planned_at_ns_ = slices_.worked_ns();
    slices_.Offer();
    while (planned.ok() && store_.HasPlanned() && !Cancelled() && !HasWorkedEnough()) {
      bool had_to_wait = false;
      Wait([&] { had_to_wait = cache_.batches().Enter(); });
      if (had_to_wait)
        batch_objects_ = std::max(batch_objects_, std::min(2 * batch_objects_, options_.most_batch_objects));
      RunBatch();
    }
    store_.Unplan();
    order_.ReturnLeft();
    Wait([&] { cache_.batches().AwaitEntered(); });
    store_.Unplan();  // what was set aside
    for (Barn& barn : cache_.barns()) barn.StopFiltering();
    cache_.EndSlow();
    cache_.RetireMarked();
    ReleaseEmpty();
    stats_.slabs_released += store_.TrimEmptyAnyhow();
    Housekeeper::Arm();
    slices_.End();
    for (const auto& batch : batches_) stats_.slabs_released += batch->slabs_released;
    if (!planned.ok()) return planned;
    return stats_;
  }

 private:
  bool Cancelled() const {
    // Relaxed: a request, not a message.
    return options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed);
  }

  // Not before a slab has been emptied: the next pass would begin with those that could not be.
  bool HasWorkedEnough() const {
    return options_.work_limit_ns != 0 && options_.mode == CompactOptions::Mode::kPack && slabs_emptied_ > 0 &&
           slices_.worked_ns() - planned_at_ns_ >= options_.work_limit_ns;
  }

  bool evacuates() const { return options_.mode == CompactOptions::Mode::kEvacuate; }
  bool ordered() const { return options_.mode == CompactOptions::Mode::kOrder; }

  void SayWaiting(bool waiting) {
    if (log_ != nullptr) log_->waiting.store(waiting, std::memory_order_relaxed);  // relaxed: see there
  }

  template <typename ForSomething>
  void Wait(ForSomething wait) {
    slices_.Pause();
    SayWaiting(true);
    wait();
    SayWaiting(false);
    slices_.Resume();
  }

  // One that moves everything leaves them to the next burst, or the next pass, as frees do: it would get as many again.
  void ReleaseEmpty() {
    if (options_.mode == CompactOptions::Mode::kMoveEverything) return;
    stats_.slabs_released +=
        evacuates() ? store_.ReleaseEmptyIn(options_.range_begin, options_.range_end) : store_.ReleaseEmpty(0);
  }

  absl::Status PlanVictims() {
    std::vector<PlannedMove> moves =
        PlanMoves(store_.Listed(), store_.capacity(), options_, cache_.arena().topology().nodes());
    std::vector<Slab*> victims;
    for (const PlannedMove& move : moves) victims.push_back(move.slab);
    store_.Plan(victims);
    // Critical slabs first: what lives there leaves for ordinary ones, if there is memory for that now. They lie in no
    // range that is evacuated.
    if (!evacuates()) PlanCritical();
    moves_.insert(moves_.end(), moves.begin(), moves.end());
    return ordered() ? order_.Make(moves, slices_) : absl::OkStatus();
  }

  void PlanCritical() {
    for (Slab* slab : store_.PlanCritical()) moves_.push_back({slab, cache_.arena().NodeOf(slab)});
  }

  void RunBatch() {
    batches_.push_back(std::make_unique<PassBatch>());
    PassBatch& batch = *batches_.back();
    batch.cache = &cache_;
    // The next batches need as many slabs again: better these, whose pages are there, than new ones.
    if (options_.mode == CompactOptions::Mode::kMoveEverything) batch.after = SlabStore::AfterSettling::kKeepEmpty;
    // Nor is what stays a destination for the next batches.
    if (evacuates()) batch.after = SlabStore::AfterSettling::kSetAside;
    MXA_SCHEDULE_POINT("pass.before_mark");
    MarkVictims(batch);
    MXA_SCHEDULE_POINT("pass.after_mark");
    cache_.DrainMarked();
    slices_.Offer();
    const bool waited = PlantedBugIs(PlantedBug::kGracePeriodBeforeUnlink);
    if (waited) reclaim::Synchronize();

    if (ordered()) {
      for (Slab* slab : batch.victims) MoveSlabInOrder(*slab, batch);
    } else {
      MoveSlabs(batch);
    }
    cache_.RetireMarked();
    ++stats_.batches;
    MXA_SCHEDULE_POINT("pass.before_grace_period");
    if (waited || PlantedBugIs(PlantedBug::kNoGracePeriod)) {
      SettleBatch(&batch);
      return;
    }
    ++stats_.grace_periods;
    const bool given_back = batch.after != SlabStore::AfterSettling::kKeepEmpty;
    const bool here = waits_.WaitsItself(batch.victims.size(), given_back) && SettleInTurn(batch);
    if (!here) reclaim::Retire(&batch, &SettleBatch);
    slices_.Offer();
  }

  // Does at once, behind a grace period, what the retiring thread would do with the batch; false when it has other things to
  // do before.
  bool SettleInTurn(PassBatch& batch) {
    const reclaim::RetireTurn turn;
    if (!turn.taken()) return false;
    MXA_SCHEDULE_POINT("pass.in_turn");
    Wait([&] {
      const Clock::time_point start = Clock::now();
      reclaim::Synchronize();
      waits_.Waited(NanosecondsSince(start));
    });
    const reclaim::NoReclaimScope no_reclaim;
    SettleBatch(&batch);
    return true;
  }

  void MoveSlabs(PassBatch& batch) {
    size_t live = 0;
    for (const Slab* slab : batch.victims) live += store_.Live(*slab);
    const std::vector<void*> destinations = TakeDestinations(cache_, options_, batch, live);
    batch.moved.reserve(destinations.size());
    if (!destinations.empty() && PlantedBugIs(PlantedBug::kDestinationGivenBack))
      store_.Return({destinations.data(), 1});
    absl::Span<void* const> left = destinations;
    for (Slab* slab : batch.victims) {
      slices_.Offer();
      left.remove_prefix(MoveSlab(*slab, left, batch));
    }
    // What is left over was never published: it goes straight back.
    cache_.ReturnDestinations(left);
  }

  void MoveSlabInOrder(Slab& slab, PassBatch& batch) {
    slices_.Offer();
    if (Cancelled() || !Isolate(slab)) return;
    const std::vector<void*> all = objects_;
    std::vector<void*> places;
    order_.PlacesOf(all, places);
    reclaim::MoveTarget target(all, places, options_.cancel, &slices_);
    Move(slab, target, batch);
    order_.Taken(target.moved());
  }

  void MarkVictims(PassBatch& batch) {
    for (size_t live = 0; batch.victims.empty() || live < batch_objects_;) {
      if (!batch.victims.empty() && next_move_ < moves_.size() && moves_[next_move_].to != batch.to_node) return;
      Slab* slab = store_.MarkNextPlanned();
      if (slab == nullptr) return;  // none left, or an allocation has taken them back, from the end
      MXA_CHECK(slab == moves_[next_move_].slab, "slabs are marked in another order than they were planned in");
      batch.to_node = moves_[next_move_++].to;
      live += store_.Live(*slab);
      batch.victims.push_back(slab);
    }
  }

  // Asks phase 1 of the owner.
  bool Isolate(Slab& slab) {
    if (!store_.Isolate(slab, *cache_.options().movable, objects_)) {
      ++stats_.slabs_refused;
      if (log_ != nullptr) log_->stuck.push_back({.address = slab.objects, .refused = true});
      return false;
    }
    MXA_SCHEDULE_POINT("pass.after_isolate");
    return true;
  }

  // Returns how many of `destinations` it used.
  size_t MoveSlab(Slab& slab, absl::Span<void* const> destinations, PassBatch& batch) {
    if (Cancelled()) return 0;
    // A slab that would stay for want of destinations is not worth moving half of.
    if (store_.Live(slab) > destinations.size()) {
      stats_.objects_unplaced += store_.Live(slab);
      return 0;
    }
    if (!Isolate(slab)) return 0;
    const size_t before = batch.moved.size();
    const size_t used = MoveObjects(slab, destinations, batch);
    if (used == objects_.size()) ++slabs_emptied_;
    if (log_ == nullptr) return used;
    return used + AskAgain(slab, destinations.subspan(used), batch, before);
  }

  // Asks for what has stayed in a slab once more, one object at a time, so that each has an answer of its own. Those
  // from number `moved_from` on have left this slab before. Returns how many of `destinations` it used.
  size_t AskAgain(Slab& slab, absl::Span<void* const> destinations, PassBatch& batch, size_t moved_from) {
    constexpr size_t kAtMost = 16;
    std::vector<void*> gone(batch.moved.begin() + static_cast<std::ptrdiff_t>(moved_from), batch.moved.end());
    std::sort(gone.begin(), gone.end());
    size_t used = 0;
    size_t asked = 0;
    for (void* object : store_.Allocated(slab)) {
      if (std::binary_search(gone.begin(), gone.end(), object)) continue;
      if (asked++ == kAtMost || Cancelled()) break;
      if (!store_.AskAgain(slab, object, *cache_.options().movable, objects_)) {
        log_->stuck.push_back({.address = slab.objects, .refused = true});
        break;
      }
      if (objects_.empty()) continue;  // freed meanwhile
      const std::array<uint64_t, reclaim::kMoveResults> before = stats_.results;
      used += MoveObjects(slab, destinations.subspan(used), batch);
      const auto became = [&](reclaim::MoveResult result) {
        return stats_.results[static_cast<size_t>(result)] != before[static_cast<size_t>(result)];
      };
      if (became(reclaim::MoveResult::kMoved) || became(reclaim::MoveResult::kGone)) continue;
      log_->stuck.push_back(
          {.address = object,
           .kept_back = objects_[0] == nullptr,
           .result = became(reclaim::MoveResult::kPinned) ? reclaim::MoveResult::kPinned : reclaim::MoveResult::kBusy});
    }
    return used;
  }

  // Moves those of objects_ that CanFree kept. Returns how many of `destinations` it used.
  size_t MoveObjects(Slab& slab, absl::Span<void* const> destinations, PassBatch& batch) {
    reclaim::MoveTarget target(destinations.first(objects_.size()), options_.cancel, &slices_);
    Move(slab, target, batch);
    return target.taken().size();
  }

  void Move(Slab& slab, reclaim::MoveTarget& target, PassBatch& batch) {
    const Clock::time_point start = Clock::now();
    const uint64_t rested_before = slices_.rested_ns();
    {
      reclaim::NoReclaimScope no_reclaim;
      cache_.options().movable->Reclaim(absl::MakeSpan(objects_), target);
    }
    stats_.move_ns += NanosecondsSince(start) - (slices_.rested_ns() - rested_before);
    size_t settled = 0;
    for (size_t i = 0; i < reclaim::kMoveResults; ++i) {
      stats_.results[i] += target.results()[i];
      settled += target.results()[i];
    }
    size_t kept_back = 0;
    for (const void* object : objects_) kept_back += object == nullptr ? 1 : 0;
    MXA_CHECK(settled + kept_back == objects_.size(),
              "Reclaim settles each object that CanFree let through exactly once");
    stats_.results[static_cast<size_t>(reclaim::MoveResult::kBusy)] += kept_back;
    stats_.objects_moved += target.moved().size();
    if (cache_.arena().NodeOf(&slab) != batch.to_node) stats_.objects_moved_across_nodes += target.moved().size();
    cache_.RecordMoves(target.moved(), target.taken());
    batch.moved.insert(batch.moved.end(), target.moved().begin(), target.moved().end());
  }

  CacheCore& cache_;
  SlabStore& store_;
  const CompactOptions& options_;
  EvacuationLog* const log_;
  CompactStats stats_;
  Slices slices_;
  PassWaits waits_;
  OrderPlan order_;
  size_t batch_objects_;  // grows
  std::vector<PlannedMove> moves_;
  size_t next_move_ = 0;
  size_t slabs_emptied_ = 0;
  uint64_t planned_at_ns_ = 0;  // by what it had worked then
  std::vector<std::unique_ptr<PassBatch>> batches_;
  std::vector<void*> objects_;  // of the slab being moved
};

}  // namespace

absl::StatusOr<CompactStats> RunPass(CacheCore& cache, const CompactOptions& options, EvacuationLog* log) {
  if (cache.options().movable == nullptr) {
    return absl::FailedPreconditionError("cache " + cache.options().name + " is not movable");
  }
  const absl::Status nodes = CheckNodes(options, cache.arena().topology().nodes());
  if (!nodes.ok()) return nodes;
  const absl::Status limits = CheckLimits(options);
  if (!limits.ok()) return limits;
  MXA_CHECK(reclaim::MayReclaim(), "a pass under an array lock or inside a callback");
  const PassScope scope;
  if (!cache.pass_mutex().TryLock())
    return absl::UnavailableError("a pass over cache " + cache.options().name + " is running");
  const absl::StatusOr<CompactStats> stats = Pass(cache, options, log).Run();
  cache.pass_mutex().Unlock();
  if (stats.ok()) cache.AddCompactStats(*stats);
  return stats;
}

}  // namespace mxa::slab
