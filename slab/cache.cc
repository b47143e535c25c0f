// SPDX-License-Identifier: Apache-2.0
#include "slab/cache.h"

#include <bit>
#include <cstring>
#include <utility>

#include "absl/base/optimization.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "slab/cache_core.h"
#include "slab/cache_registry.h"
#include "slab/compactor.h"
#include "slab/thread_registry.h"
#include "slab/thread_sheaves.h"

namespace mxa::slab {
namespace {

constexpr size_t kMaxObjectSize = size_t{256} << 10;
constexpr size_t kMaxAlignment = 4096;
constexpr size_t kMaxSheafCapacity = 1024;

absl::Status Validate(const CacheOptions& options) {
  if (options.object_size < 8 || options.object_size > kMaxObjectSize) {
    return absl::InvalidArgumentError(absl::StrFormat("cache %s: object_size is %d, must be 8 to %d", options.name,
                                                      options.object_size, kMaxObjectSize));
  }
  if (!std::has_single_bit(options.alignment) || options.alignment > kMaxAlignment) {
    return absl::InvalidArgumentError(absl::StrFormat("cache %s: alignment is %d, must be a power of two up to %d",
                                                      options.name, options.alignment, kMaxAlignment));
  }
  if (options.sheaf_capacity > kMaxSheafCapacity) {
    return absl::InvalidArgumentError(absl::StrFormat("cache %s: sheaf_capacity is %d, must be at most %d",
                                                      options.name, options.sheaf_capacity, kMaxSheafCapacity));
  }
  if (options.guard_interval < absl::ZeroDuration() || options.rcu_free_delay < absl::ZeroDuration() ||
      options.idle_delay < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(absl::StrFormat("cache %s: a delay or interval is negative", options.name));
  }
  if (options.movable != nullptr && options.constructor == nullptr) {
    return absl::InvalidArgumentError(absl::StrFormat("cache %s: a movable cache needs a constructor", options.name));
  }
  return absl::OkStatus();
}

void CheckMayWait() {
  MXA_CHECK(reclaim::MayReclaim(), "waiting under an array lock or inside a reclaim callback");
  MXA_CHECK(!reclaim::InReadSection(), "waiting inside a read section");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Cache>> Cache::Create(const CacheOptions& options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  CacheOptions complete = options;
  if (complete.arena == nullptr) complete.arena = &Arena::Default();
  std::unique_ptr<Cache> cache(new Cache(std::make_unique<CacheCore>(complete)));
  RegisterCache(*cache);
  return cache;
}

Cache::Cache(std::unique_ptr<CacheCore> core) : core_(std::move(core)), near_place_(core_->near_place()) {}

Cache::~Cache() {
  CheckMayWait();
  UnregisterCache(*this);
}

void* Cache::Allocate(AllocFlags flags) {
  if (void* object = TryAllocateFrom(FindNearThreadSheaves(near_place_))) return object;
  return core_->Allocate(flags);
}

void* Cache::AllocateZeroed(AllocFlags flags) {
  MXA_CHECK(core_->options().constructor == nullptr, "zeroing an object that has a constructor");
  void* object = Allocate(flags);
  if (object != nullptr) std::memset(object, 0, core_->options().object_size);
  return object;
}

bool Cache::AllocateBulk(absl::Span<void*> objects, AllocFlags flags) { return core_->AllocateBulk(objects, flags); }

void* Cache::AllocateCritical(PagePool& pool, absl::Duration timeout) { return core_->AllocateCritical(pool, timeout); }

absl::StatusOr<PrefilledSheaf> Cache::Prefill(size_t count, AllocFlags flags) {
  Sheaf* sheaf = core_->Prefill(count, flags);
  if (sheaf == nullptr) {
    return absl::ResourceExhaustedError(absl::StrFormat("no memory for %d objects of cache %s", count, name()));
  }
  return PrefilledSheaf(core_.get(), sheaf);
}

void Cache::Free(void* object) {
  if (ABSL_PREDICT_FALSE(!TryFreeTo(FindNearThreadSheaves(near_place_), object))) core_->Free(object);
}

void Cache::FreeBulk(absl::Span<void* const> objects) { core_->FreeBulk(objects); }

void Cache::FreeRcu(void* object) { core_->FreeRcu(object); }

void Cache::FreeRcuBarrier() {
  CheckMayWait();
  core_->FreeRcuBarrier();
}

size_t Cache::Shrink() {
  CheckMayWait();
  return core_->Shrink();
}

absl::StatusOr<CompactStats> Cache::Compact(const CompactOptions& options) {
  CheckMayWait();
  return RunPass(*core_, options);
}

CacheStats Cache::Stats() const { return core_->Stats(); }

CompactStats Cache::TotalCompactStats() const { return core_->TotalCompactStats(); }

CacheShape Cache::Shape() const {
  CacheShape shape;
  shape.object_size = core_->options().object_size;
  shape.stride = core_->store().stride();
  shape.objects_per_slab = core_->store().capacity();
  shape.units_per_slab = core_->store().units();
  shape.movable = core_->options().movable != nullptr;
  return shape;
}

std::vector<SlabView> Cache::Slabs() const { return core_->store().View(); }

const std::string& Cache::name() const { return core_->options().name; }

Arena& Cache::arena() const { return core_->arena(); }

absl::Status Cache::CheckInvariants() const { return core_->CheckInvariants(); }

}  // namespace mxa::slab
