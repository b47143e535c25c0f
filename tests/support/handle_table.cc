// SPDX-License-Identifier: Apache-2.0
#include "tests/support/handle_table.h"

#include <new>

#include "base/check.h"
#include "reclaim/rcu.h"

namespace mxa::test {
namespace {

uint64_t CheckFor(uint64_t id) { return (id + 1) * 0x9e3779b97f4a7c15u; }

}  // namespace

std::atomic<size_t> HandleTable::destroyed_{0};

void HandleTable::Construct(void* object) { new (object) Item; }

void HandleTable::Destroy(void* object) {
  auto* item = static_cast<Item*>(object);
  MXA_CHECK(item->state.load() == Item::kGone, "destructor of an item that was not removed, or a second time");
  Construct(object);
  destroyed_.fetch_add(1);
}

HandleTable::HandleTable(const Options& options) : slots_(options.slots) {
  arena_ = slab::Arena::Create({.reserve_bytes = options.reserve_bytes,
                                .min_reserve_bytes = slab::kRegionSize,
                                .faults = options.page_faults,
                                .topology = options.topology})
               .value();
  cache_ = slab::Cache::Create({.name = "item",
                                .object_size = sizeof(Item),
                                .constructor = &Construct,
                                .rcu_destructor = &Destroy,
                                .movable = this,
                                .arena = arena_.get(),
                                .sheaf_capacity = options.sheaf_capacity,
                                .debug = {.quarantine_objects = options.quarantine_objects},
                                .idle_delay = options.idle_delay,
                                .empty_slab_delay = options.empty_slab_delay,
                                .empty_slab_bytes = options.empty_slab_bytes})
               .value();
  destroyed_.store(0);
}

HandleTable::~HandleTable() {
  for (size_t slot = 0; slot < slots_.size(); ++slot) RemoveRcu(slot);
}

bool HandleTable::Create(size_t slot) { return Create(slot, nullptr); }

bool HandleTable::CreateCritical(size_t slot, slab::PagePool& pool) { return Create(slot, &pool); }

bool HandleTable::Create(size_t slot, slab::PagePool* pool) {
  creating_.fetch_add(1);
  auto* item = static_cast<Item*>(pool != nullptr ? cache_->AllocateCritical(*pool) : cache_->Allocate());
  if (item == nullptr) {
    creating_.fetch_sub(1);
    return false;
  }
  if (item->state.load() != Item::kFree) violations_.fetch_add(1);
  item->id = slot;
  item->check = CheckFor(slot);
  item->state.store(Item::kLive);
  creating_.fetch_sub(1);
  MutexLock lock(&mutex_);
  MXA_CHECK(slots_[slot].load() == nullptr, "slot in use");
  slots_[slot].store(item, std::memory_order_release);
  return true;
}

Item* HandleTable::Detach(size_t slot) {
  MutexLock lock(&mutex_);
  Item* item = slots_[slot].exchange(nullptr);
  if (item != nullptr) item->state.store(Item::kGone);
  return item;
}

void HandleTable::RemoveRcu(size_t slot) {
  Item* item = Detach(slot);
  if (item == nullptr) return;
  removed_rcu_.fetch_add(1);
  cache_->FreeRcu(item);
}

void HandleTable::RemoveNow(size_t slot) {
  Item* item = Detach(slot);
  if (item == nullptr) return;
  Construct(item);
  cache_->Free(item);
}

bool HandleTable::Read(size_t slot) {
  reclaim::ReadSection section;
  const Item* item = Peek(slot);
  if (item == nullptr) return true;
  if (item->id == slot && item->check == CheckFor(slot)) return true;
  violations_.fetch_add(1);
  return false;
}

bool HandleTable::CanFree(absl::Span<void*> objects) {
  if (refuse.load()) return false;
  // Read before the states: nothing is allocated from a marked slab, so whoever has an item of this one and has not yet
  // made it live is counted here.
  const size_t creating = creating_.load();
  size_t free = 0;
  for (void*& object : objects) {
    const uint64_t state = static_cast<Item*>(object)->state.load();
    if (state == Item::kFree) ++free;
    if (state != Item::kLive) object = nullptr;
  }
  // More free items in the hands of a pass than are being created: their users freed them, so the drain has missed
  // them.
  if (free > creating) violations_.fetch_add(free - creating);
  return true;
}

void HandleTable::Reclaim(absl::Span<void*> objects, reclaim::MoveTarget& target) {
  for (void* object : objects) {
    if (object == nullptr) continue;
    auto* item = static_cast<Item*>(object);
    auto* destination = static_cast<Item*>(target.destination());
    if (destination == nullptr || target.unpin_only() || !mutex_.TryLock()) {
      target.Settle(object, reclaim::MoveResult::kBusy);
      continue;
    }
    reclaim::MoveResult result = reclaim::MoveResult::kGone;
    if (item->state.load() == Item::kLive && slots_[item->id].load() == item) {
      destination->id = item->id;
      destination->check = item->check;
      destination->state.store(Item::kLive);
      slots_[item->id].store(destination, std::memory_order_release);
      result = reclaim::MoveResult::kMoved;
    }
    mutex_.Unlock();
    target.Settle(object, result);
  }
}

}  // namespace mxa::test
