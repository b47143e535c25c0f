// SPDX-License-Identifier: Apache-2.0
#include "slab/contiguous.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <optional>

#include "absl/time/clock.h"
#include "base/check.h"
#include "reclaim/context.h"
#include "reclaim/fork_thread.h"
#include "reclaim/rcu.h"
#include "slab/contiguous_request.h"
#include "slab/grace_watch.h"
#include "slab/page_runs.h"

namespace mxa::slab {
namespace {

using Kind = ContiguousVerdict::Kind;

// Whoever waits looks this often at the caller's flag, and at who holds up a grace period.
constexpr absl::Duration kLook = absl::Milliseconds(1);
// A reader that was met for less than this is not to blame when something else has been in the way.
constexpr absl::Duration kHeldUp = absl::Milliseconds(10);

struct UnitsResult {
  std::optional<UnitBlock> block;
  ContiguousVerdict verdict;
};

void Start(const std::shared_ptr<ContiguousRequest>& request) {
  auto* const threads_own = new std::shared_ptr<ContiguousRequest>(request);
  const auto run = [](void* own) {
    const std::unique_ptr<std::shared_ptr<ContiguousRequest>> mine(
        static_cast<std::shared_ptr<ContiguousRequest>*>(own));
    (*mine)->Run();
  };
  // No thread to be had: the deadline is then kept only where no grace period is held up.
  if (!reclaim::StartThread("mxa-contiguous", run, threads_own)) run(threads_own);
}

// Waits for the request, or until there is no point in it.
UnitsResult Await(ContiguousRequest& request, absl::Time deadline, const std::atomic<bool>* cancel) {
  reclaim::OfflineScope offline;
  GraceWatch watch;
  bool cancelled = false;
  bool late = false;
  UnitsResult result;
  for (;;) {
    const absl::Duration left = deadline - absl::Now();
    const bool done = request.Await(std::clamp(left, absl::Microseconds(50), kLook));
    if (done && request.block().has_value()) {
      result.block = request.block();
      result.verdict.kind = Kind::kGranted;
      return result;
    }
    if (done) {
      result.verdict = request.verdict();
      // A pass or a request that is not done may be waiting for a reader.
      const bool others = result.verdict.kind == Kind::kPassElsewhere || result.verdict.kind == Kind::kOverlap;
      if (cancelled) result.verdict.kind = Kind::kCancelled;
      if (others) watch.Describe(result.verdict);
      result.verdict.deadline_passed = late || result.verdict.deadline_passed;
      return result;
    }
    watch.Look();
    // Relaxed: a request, not a message.
    cancelled = cancelled || (cancel != nullptr && cancel->load(std::memory_order_relaxed));
    late = late || absl::Now() >= deadline;
    if (!cancelled && !late) continue;
    request.Stop();
    if (!request.Abandon()) continue;
    watch.Look();
    result.verdict = request.LastSeen();
    const bool held_up = watch.Describe(result.verdict);
    const bool to_blame =
        held_up && (result.verdict.kind == Kind::kDeadline || result.verdict.held_at_least >= kHeldUp);
    if (to_blame) result.verdict.kind = Kind::kReader;
    if (cancelled) result.verdict.kind = Kind::kCancelled;
    result.verdict.deadline_passed = late;
    return result;
  }
}

UnitsResult AllocateUnits(Arena& arena, size_t units, absl::Time deadline, const std::atomic<bool>* cancel) {
  UnitsResult result;
  if (units > arena.units_reserved() || arena.FirstAligned(units) + units > arena.units_reserved()) {
    result.verdict.kind = Kind::kImpossible;
    return result;
  }
  result.block = arena.TakeBlock(units);
  if (result.block.has_value()) {
    result.verdict.kind = Kind::kGranted;
    return result;
  }
  if (absl::Now() >= deadline) {
    result.verdict.deadline_passed = true;
    return result;
  }
  const auto request = std::make_shared<ContiguousRequest>(arena, units, deadline);
  arena.BeginUse();
  Start(request);
  return Await(*request, deadline, cancel);
}

}  // namespace

ContiguousResult AllocateContiguous(Arena& arena, size_t bytes, absl::Time deadline, const std::atomic<bool>* cancel) {
  MXA_CHECK(reclaim::MayReclaim() && !reclaim::InReadSection(),
            "contiguous memory asked for in a read section, under an array lock or inside a callback");
  ContiguousResult result;
  if (!std::has_single_bit(bytes) || bytes < kLeastContiguous || bytes > kMostContiguous) {
    result.verdict.kind = Kind::kImpossible;
    return result;
  }
  const size_t pages = bytes / kPageSize;
  for (;;) {
    if (pages < kPagesPerUnit) result.block = arena.TakePages(pages);
    if (result.block != nullptr) {
      result.verdict = {};
      result.verdict.kind = Kind::kGranted;
      return result;
    }
    const UnitsResult units = AllocateUnits(arena, std::max<size_t>(bytes / kUnitSize, 1), deadline, cancel);
    result.verdict = units.verdict;
    if (!units.block.has_value()) return result;
    if (pages >= kPagesPerUnit) {
      result.block = arena.AddressOf(*units.block);
      return result;
    }
    arena.AddPages(*units.block);  // others may take all of it before the next turn
  }
}

void FreeContiguous(Arena& arena, void* block) {
  MXA_CHECK(arena.FreeBlock(block) || arena.FreePages(block), "no contiguous memory is out that begins here");
}

}  // namespace mxa::slab
