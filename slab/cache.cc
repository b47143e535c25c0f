// SPDX-License-Identifier: Apache-2.0
#include "slab/cache.h"

#include <bit>
#include <utility>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "reclaim/context.h"
#include "reclaim/rcu.h"
#include "slab/arena.h"
#include "slab/cache_core.h"
#include "slab/compactor.h"

namespace mxa::slab {
namespace {

constexpr size_t kMaxObjectSize = size_t{64} << 10;
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
  return std::unique_ptr<Cache>(new Cache(std::make_unique<CacheCore>(complete)));
}

Cache::Cache(std::unique_ptr<CacheCore> core) : core_(std::move(core)) {}

Cache::~Cache() { CheckMayWait(); }

void* Cache::Allocate(AllocFlags flags) { return core_->Allocate(flags); }

void Cache::Free(void* object) { core_->Free(object); }

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

const std::string& Cache::name() const { return core_->options().name; }

Arena& Cache::arena() const { return core_->arena(); }

absl::Status Cache::CheckInvariants() const { return core_->CheckInvariants(); }

}  // namespace mxa::slab
