// SPDX-License-Identifier: Apache-2.0
#include "examples/counted_table/counted_cache.h"

#include <new>
#include <utility>

#include "base/schedule_point.h"
#include "examples/counted_table/counted_table.h"

namespace mxa::examples {
namespace {

using reclaim::MoveResult;

MoveResult ResultForOwner(const CountedTable* owner) {
  return owner == GoneOwner() ? MoveResult::kGone : MoveResult::kBusy;
}

}  // namespace

// Phase 1 only looks: what it sees may have changed by phase 2, which looks again.
bool CountedMover::MayMove(const void* object) {
  const auto* counted = static_cast<const CountedObject*>(object);
  const CountedTable* owner = counted->owner();
  uint64_t word = 0;
  return owner != nullptr && owner != GoneOwner() && counted->IsUnreferenced(word);
}

MoveResult CountedMover::Move(void* object, void* destination) {
  auto* counted = static_cast<CountedObject*>(object);
  // Step 1. Whose is it?
  CountedTable* owner = counted->owner();
  if (owner == nullptr || owner == GoneOwner()) return ResultForOwner(owner);
  MXA_SCHEDULE_POINT("object_mover.before_pin");

  // Step 2. Pin the table, then see that it still was the owner when the pin could be seen.
  pin_.Pin(owner);
  const CountedTable* still = counted->owner();
  if (still != owner) {
    pin_.Unpin();
    return ResultForOwner(still);
  }
  MXA_SCHEDULE_POINT("object_mover.after_pin");
  const MoveResult result = owner->TryMove(counted, static_cast<CountedObject*>(destination));  // steps 3 to 6
  MXA_SCHEDULE_POINT("object_mover.before_unpin");

  // Step 7.
  pin_.Unpin();
  return result;
}

absl::StatusOr<std::unique_ptr<CountedCache>> CountedCache::Create(slab::Arena* arena) {
  std::unique_ptr<CountedCache> cache(new CountedCache);
  slab::CacheOptions options;
  options.name = "counted_object";
  options.object_size = sizeof(CountedObject);
  options.alignment = 64;
  options.constructor = [](void* object) { new (object) CountedObject; };
  options.rcu_destructor = [](void* object) { static_cast<CountedObject*>(object)->Reset(); };
  options.movable = &cache->mover_;
  options.arena = arena;
  absl::StatusOr<std::unique_ptr<slab::Cache>> slabs = slab::Cache::Create(options);
  if (!slabs.ok()) return slabs.status();
  cache->slabs_ = *std::move(slabs);
  return cache;
}

CountedCache::~CountedCache() = default;

CountedObject* CountedCache::Allocate() {
  return static_cast<CountedObject*>(slabs_->Allocate(slab::AllocFlags::kMayReclaim));
}

void CountedCache::Free(CountedObject* object) {
  object->Reset();
  slabs_->Free(object);
}

void CountedCache::Drop(CountedObject* object) {
  if (object->Drop()) slabs_->FreeRcu(object);
}

}  // namespace mxa::examples
