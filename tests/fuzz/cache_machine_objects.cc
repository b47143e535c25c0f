// SPDX-License-Identifier: Apache-2.0
//
// Every way to get an object, and whether a refusal was to be expected.
#include <vector>

#include "tests/fuzz/cache_machine.h"
#include "tests/fuzz/differs.h"

namespace mxa::fuzz {
namespace {

using slab::AllocFlags;

// A program's objects of all caches: enough for some regions of any size, and few enough to be fast.
constexpr size_t kMostHeld = 5000;

AllocFlags FlagsOf(const CacheStep& step, bool is_inside) {
  AllocFlags flags = AllocFlags::kNone;
  // Inside a pass of this thread, waiting would be for itself.
  if (step.may_reclaim && !is_inside) flags = flags | AllocFlags::kMayReclaim;
  if (step.no_new_slab) flags = flags | AllocFlags::kNoNewSlab;
  return flags;
}

}  // namespace

uint64_t CacheMachine::Refusals(CacheSubject& subject) const {
  return world_.cache_faults.GetCounters().failures + world_.arena_faults.GetCounters().failures +
         subject.notifier().vetoes();
}

absl::Status CacheMachine::CheckRefused(const CacheStep& step, CacheSubject& subject, bool is_inside) {
  if (step.no_new_slab || is_inside || ran_inside_) return absl::OkStatus();
  // Of larger slabs there may be none for want of neighbours.
  if (subject.cache().Shape().units_per_slab == 1) {
    if (absl::Status status =
            Same("units held when there was no memory", step.cache, arena_->units_held(), arena_->units_reserved());
        !status.ok()) {
      return status;
    }
  }
  const slab::CacheStats stats = subject.cache().Stats();
  if (!step.may_reclaim || stats.critical_slabs != 0) return absl::OkStatus();
  return Same("objects free when there was no memory", step.cache, stats.cached + stats.free, 0);
}

absl::Status CacheMachine::Allocate(const CacheStep& step, CacheSubject& subject, bool is_inside) {
  const bool zeroed = step.kind == CacheStepKind::kAllocateZeroed && !subject.spec().has_constructor;
  for (unsigned i = 0; i < step.count && subject.held() < kMostHeld; ++i) {
    const uint64_t refusals = Refusals(subject);
    const CacheSubject::Allocating allocating(subject);
    slab::Cache& cache = subject.cache();
    const AllocFlags flags = FlagsOf(step, is_inside);
    void* const object = zeroed ? cache.AllocateZeroed(flags) : cache.Allocate(flags);
    if (object == nullptr) {
      return Refusals(subject) == refusals ? CheckRefused(step, subject, is_inside) : absl::OkStatus();
    }
    if (absl::Status status = subject.Adopt(object, zeroed); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CacheMachine::AllocateBulk(const CacheStep& step, CacheSubject& subject) {
  if (subject.held() >= kMostHeld) return absl::OkStatus();
  std::vector<void*> objects(step.count);
  const CacheSubject::Allocating allocating(subject);
  const bool all = subject.cache().AllocateBulk(absl::MakeSpan(objects), FlagsOf(step, /*is_inside=*/ran_inside_));
  for (void* object : objects) {
    if ((object != nullptr) != all) return absl::InternalError("AllocateBulk is not all or nothing");
    if (absl::Status status = subject.Adopt(object); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CacheMachine::AllocateCritical(const CacheStep& step, CacheSubject& subject) {
  slab::Cache& cache = subject.cache();
  if (pool_ == nullptr || cache.Shape().units_per_slab > pool_->largest_run_units()) return absl::OkStatus();
  for (unsigned i = 0; i < step.count && subject.held() < kMostHeld; ++i) {
    const uint64_t refusals = Refusals(subject);
    const CacheSubject::Allocating allocating(subject);
    void* const object = cache.AllocateCritical(*pool_);
    if (object == nullptr) {
      // A cache that is refused its share of the reserve, or a run of it that is in pieces.
      if (Refusals(subject) != refusals || pool_->largest_run_units() > 1) return absl::OkStatus();
      return Same("units in the reserve when it had none", step.cache, pool_->Stats().held_units, 0);
    }
    if (absl::Status status = subject.Adopt(object); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CacheMachine::Prefill(const CacheStep& step, CacheSubject& subject) {
  const AllocFlags flags = FlagsOf(step, /*is_inside=*/ran_inside_);
  const CacheSubject::Allocating allocating(subject);
  if (!subject.prefilled().has_value()) {
    absl::StatusOr<slab::PrefilledSheaf> sheaf = subject.cache().Prefill(step.count, flags);
    if (!sheaf.ok()) return absl::OkStatus();
    subject.prefilled() = *std::move(sheaf);
    if (subject.prefilled()->size() >= step.count) return absl::OkStatus();
    return Differs("a prefilled sheaf", step.cache, subject.prefilled()->size(), step.count);
  }
  const size_t before = subject.prefilled()->size();
  const bool refilled = subject.prefilled()->Refill(step.count, flags);
  const size_t size = subject.prefilled()->size();
  if (refilled ? size >= step.count : size == before) return absl::OkStatus();
  return Differs("a sheaf refilled", step.cache, size, step.count);
}

absl::Status CacheMachine::TakePrefilled(const CacheStep& step, CacheSubject& subject) {
  const CacheSubject::Allocating allocating(subject);
  for (unsigned i = 0; i < step.count && subject.prefilled().has_value() && subject.prefilled()->size() != 0; ++i) {
    if (absl::Status status = subject.Adopt(subject.prefilled()->Allocate()); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace mxa::fuzz
