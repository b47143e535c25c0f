// SPDX-License-Identifier: Apache-2.0
//
// What gives memory back, moves objects, and asks for neighbouring pages.
#include <algorithm>
#include <array>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "slab/block_isolation.h"
#include "slab/contiguous.h"
#include "tests/fuzz/cache_machine.h"
#include "tests/fuzz/contiguous_requests.h"
#include "tests/fuzz/differs.h"

namespace mxa::fuzz {
namespace {

using Mode = slab::CompactOptions::Mode;
using reclaim::MoveResult;

constexpr size_t kMostBlocks = 8;

// Where a block is written to and looked at: its ends.
std::array<uint64_t*, 2> EndsOf(void* start, size_t bytes) {
  auto* const first = static_cast<uint64_t*>(start);
  return {first, first + bytes / sizeof(uint64_t) - 1};
}

}  // namespace

absl::Status CacheMachine::Shrink(CacheSubject& subject) {
  const size_t before = subject.cache().Stats().slabs;
  const size_t released = subject.cache().Shrink();
  const slab::CacheStats stats = subject.cache().Stats();
  absl::Status status = subject.CheckSettled();
  if (status.ok()) status = Same("cached after Shrink", 0, stats.cached, 0);
  if (status.ok()) status = Same("empty slabs after Shrink", 0, stats.empty_slabs, 0);
  const bool is_empty = stats.live == 0;
  if (status.ok() && is_empty) status = Same("slabs of an empty cache after Shrink", 0, stats.slabs, 0);
  // What waited for its grace period may have released some by itself.
  if (status.ok() && released + stats.slabs > before)
    status = Differs("slabs released", 0, released, before - stats.slabs);
  return status;
}

absl::Status CacheMachine::Barrier(CacheSubject& subject) {
  subject.cache().FreeRcuBarrier();
  return subject.CheckSettled();
}

absl::Status CacheMachine::Compact(const CacheStep& step, CacheSubject& subject) {
  slab::CompactOptions options = step.options;
  world_.cancel = step.is_cancelled;
  options.cancel = &world_.cancel;
  const bool names_nodes = options.mode == Mode::kMoveToNode;
  const int nodes = topology_ == nullptr ? 1 : static_cast<int>(topology_->nodes());
  if (names_nodes && nodes > 1) world_.to_node = options.to_node;
  const size_t slabs = subject.cache().Stats().slabs;
  const absl::Status status = RunPass(options, subject);
  world_.to_node = -1;
  const slab::CacheStats after = subject.cache().Stats();
  if (!status.ok() || options.mode != Mode::kPack || ran_inside_ || after.critical_slabs != 0) return status;
  return after.slabs <= slabs ? status : Differs("slabs after packing", step.cache, after.slabs, slabs);
}

absl::Status CacheMachine::RunPass(const slab::CompactOptions& options, CacheSubject& subject) {
  const uint64_t moved_before = subject.moved();
  const uint64_t refusals = Refusals(subject);
  const absl::StatusOr<slab::CompactStats> pass = subject.cache().Compact(options);
  const uint64_t moved = subject.moved() - moved_before;
  if (!pass.ok()) {
    const int nodes = topology_ == nullptr ? 1 : static_cast<int>(topology_->nodes());
    const bool names_none = options.mode == Mode::kMoveToNode && std::max(options.to_node, options.from_node) >= nodes;
    const bool is_expected = subject.spec().is_movable
                                 ? (absl::IsInvalidArgument(pass.status()) && names_none) ||
                                       (absl::IsResourceExhausted(pass.status()) && options.mode == Mode::kOrder)
                                 : absl::IsFailedPrecondition(pass.status());
    return is_expected ? Same("moved by a pass that was refused", 0, moved, 0) : pass.status();
  }
  absl::Status status = Same("objects moved", 0, pass->objects_moved, moved);
  const auto result = [&](MoveResult which) { return pass->results[static_cast<size_t>(which)]; };
  if (status.ok()) status = Same("results", 0, result(MoveResult::kMoved), moved);
  const bool moves_all = options.mode == Mode::kMoveEverything || options.mode == Mode::kOrder;
  const bool is_whole = moves_all && !ran_inside_ && Refusals(subject) == refusals && !world_.cancel &&
                        pass->skipped() == 0 && pass->slabs_refused == 0 && pass->objects_unplaced == 0;
  if (!status.ok() || !is_whole || subject.prefilled().has_value()) return status;
  if (options.mode == Mode::kOrder && topology_ == nullptr) status = subject.CheckOrder();
  if (status.ok()) status = Same("moved by a pass over everything", 0, moved, subject.cache().Stats().live);
  return status;
}

absl::Status CacheMachine::Evacuate(const CacheStep& step, CacheSubject& subject) {
  void* const object = subject.AddressOf(step.pick);
  if (object == nullptr || !arena_->Contains(object)) return absl::OkStatus();
  const size_t unit = arena_->UnitOf(object).first;
  const slab::UnitBlock block = {unit & ~(step.units - 1), step.units};
  const slab::BlockIsolation isolation(*arena_, block);
  if (!isolation.holds()) return absl::OkStatus();
  slab::CompactOptions options = step.options;
  world_.cancel = step.is_cancelled;
  options.cancel = &world_.cancel;
  options.range_begin = reinterpret_cast<uintptr_t>(arena_->AddressOf(block));
  options.range_end = options.range_begin + step.units * slab::kUnitSize;
  world_.closed_begin = options.range_begin;
  world_.closed_end = options.range_end;
  const absl::Status status = RunPass(options, subject);
  world_.closed_begin = world_.closed_end = 0;
  return status;
}

absl::Status CacheMachine::AllocateContiguous(const CacheStep& step) {
  if (blocks_.size() == kMostBlocks) return absl::OkStatus();
  const bool waits = step.waits && waits_left_ > 0;
  if (waits) --waits_left_;
  const absl::Time deadline = waits ? absl::Now() + absl::Milliseconds(2) : absl::InfinitePast();
  const slab::ContiguousResult result = slab::AllocateContiguous(*arena_, step.bytes, deadline);
  if (result.verdict.Text().empty()) return absl::InternalError("a verdict that says nothing");
  if (result.verdict.granted() != (result.block != nullptr)) return absl::InternalError("a block and no block");
  if (result.block == nullptr) {
    if (waits) AwaitContiguousRequests();
    return absl::OkStatus();
  }
  if (reinterpret_cast<uintptr_t>(result.block) % step.bytes != 0) return absl::InternalError("a block not aligned");
  if (!world_.extents.Add(result.block, step.bytes)) return absl::InternalError("a block of somebody else's memory");
  blocks_.push_back({result.block, step.bytes});
  for (uint64_t* end : EndsOf(result.block, step.bytes)) {
    if (*end != 0) return Differs("a block's memory", step.cache, *end, 0);
    *end = reinterpret_cast<uintptr_t>(end);
  }
  return absl::OkStatus();
}

absl::Status CacheMachine::CheckBlock(const Block& block) const {
  for (const uint64_t* end : EndsOf(block.start, block.bytes)) {
    if (*end != reinterpret_cast<uintptr_t>(end)) {
      return Differs("a block's memory", block.bytes, *end, reinterpret_cast<uintptr_t>(end));
    }
  }
  return absl::OkStatus();
}

absl::Status CacheMachine::FreeContiguous(size_t pick) {
  if (blocks_.empty()) return absl::OkStatus();
  Block& chosen = blocks_[pick % blocks_.size()];
  if (absl::Status status = CheckBlock(chosen); !status.ok()) return status;
  const Block block = std::exchange(chosen, blocks_.back());
  blocks_.pop_back();
  world_.extents.Remove(block.start);
  slab::FreeContiguous(*arena_, block.start);
  return absl::OkStatus();
}

}  // namespace mxa::fuzz
