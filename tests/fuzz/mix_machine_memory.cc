// SPDX-License-Identifier: Apache-2.0
//
// What moves nodes and values, gives memory back, and asks for neighbouring pages.
#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "reclaim/context.h"
#include "reclaim/movable.h"
#include "slab/contiguous.h"
#include "tests/fuzz/contiguous_requests.h"
#include "tests/fuzz/differs.h"
#include "tests/fuzz/mix_machine.h"

namespace mxa::fuzz {
namespace {

constexpr size_t kMostBlocks = 6;

}  // namespace

slab::Cache& MixMachine::CacheOf(unsigned which) {
  switch (which % 3) {
    case 0:
      return nodes_->slabs();
    case 1:
      return values_->slabs();
    default:
      return bitmaps_->slabs();
  }
}

absl::Status MixMachine::Excused(const absl::Status& status) const {
  if (!absl::IsResourceExhausted(status)) return status;
  const bool is_short = arena_->units_held() == arena_->units_reserved() || faults_.GetCounters().failures != 0;
  return is_short ? absl::OkStatus() : status;
}

absl::Status MixMachine::Compact(const MixStep& step) {
  slab::Cache& cache = CacheOf(step.pick);
  const absl::StatusOr<slab::CompactStats> pass = cache.Compact(step.options);
  if (!pass.ok()) {
    const bool is_expected =
        step.pick % 3 == 2 ? absl::IsFailedPrecondition(pass.status())
                           : absl::IsResourceExhausted(pass.status()) || absl::IsFailedPrecondition(pass.status());
    return is_expected ? absl::OkStatus() : pass.status();
  }
  // What is retired counts as busy.
  return Same("objects pinned at rest", step.pick, pass->results[static_cast<size_t>(reclaim::MoveResult::kPinned)], 0);
}

// As a pass would, but of every node wherever the program is: without waiting, and out of full slabs too.
void MixMachine::MoveNodes() {
  const reclaim::ReadSection section;  // so that no slab with a node in it goes away
  slab::Cache& cache = nodes_->slabs();
  std::vector<void*> nodes;
  const size_t stride = cache.Shape().stride;
  for (const slab::SlabView& slab : cache.Slabs()) {
    for (size_t i = 0; slab.live != 0 && i < slab.capacity; ++i) {
      nodes.push_back(reinterpret_cast<void*>(slab.address + i * stride));
    }
  }
  // What is no node of a tree is not let through.
  if (!nodes_->mover().CanFree(absl::MakeSpan(nodes))) return;
  nodes.erase(std::remove(nodes.begin(), nodes.end(), nullptr), nodes.end());
  std::vector<void*> destinations(nodes.size());
  if (!cache.AllocateBulk(absl::MakeSpan(destinations))) {
    // Each node that was let through is to be settled.
    destinations.clear();
  }
  const std::atomic<bool> gives_up{destinations.empty()};
  reclaim::MoveTarget target(destinations, &gives_up);
  {
    const reclaim::NoReclaimScope no_reclaim;
    nodes_->mover().Reclaim(absl::MakeSpan(nodes), target);
  }
  for (void* moved : target.moved()) cache.FreeRcu(moved);
  cache.FreeBulk(absl::MakeSpan(destinations).subspan(target.taken().size()));
}

absl::Status MixMachine::AllocateContiguous(const MixStep& step) {
  if (blocks_.size() == kMostBlocks) return absl::OkStatus();
  const bool waits = step.waits && waits_left_ > 0;
  if (waits) --waits_left_;
  const absl::Time deadline = waits ? absl::Now() + absl::Milliseconds(2) : absl::InfinitePast();
  const slab::ContiguousResult result = slab::AllocateContiguous(*arena_, step.bytes, deadline);
  if (result.block == nullptr) {
    if (waits) AwaitContiguousRequests();
    return absl::OkStatus();
  }
  blocks_.push_back(result.block);
  auto* const words = static_cast<uint64_t*>(result.block);
  const size_t last = step.bytes / sizeof(uint64_t) - 1;
  absl::Status status = Same("a block's first word", 0, words[0], 0);
  status.Update(Same("a block's last word", 0, words[last], 0));
  words[0] = words[last] = ~uint64_t{0};
  return status;
}

void MixMachine::FreeContiguous(size_t pick) {
  if (blocks_.empty()) return;
  void* const block = std::exchange(blocks_[pick % blocks_.size()], blocks_.back());
  blocks_.pop_back();
  slab::FreeContiguous(*arena_, block);
}

}  // namespace mxa::fuzz
