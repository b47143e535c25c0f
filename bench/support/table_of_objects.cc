// SPDX-License-Identifier: Apache-2.0
#include "bench/support/table_of_objects.h"

#include <cstring>
#include <utility>

#include "base/check.h"

namespace mxa::bench {

TableOfObjects::TableOfObjects(size_t size, size_t count) : size_(size), table_(count) {
  auto arena = slab::Arena::Create();
  MXA_CHECK(arena.ok(), "no addresses for an arena");
  arena_ = *std::move(arena);
  slab::CacheOptions options;
  options.name = "table";
  options.object_size = size;
  options.alignment = size % 64 == 0 ? 64 : 8;
  options.constructor = [](void* object) { static_cast<Header*>(object)->place = nullptr; };
  options.movable = this;
  options.arena = arena_.get();
  auto cache = slab::Cache::Create(options);
  MXA_CHECK(cache.ok(), "no cache");
  cache_ = *std::move(cache);
  for (void*& place : table_) {
    place = cache_->Allocate();
    MXA_CHECK(place != nullptr, "no memory");
    std::memset(place, 1, size_);
    static_cast<Header*>(place)->place = &place;
  }
}

TableOfObjects::~TableOfObjects() {
  for (size_t i = 0; i < table_.size(); ++i) Free(i);
}

void TableOfObjects::Free(size_t place) {
  if (table_[place] == nullptr) return;
  void* object = std::exchange(table_[place], nullptr);
  static_cast<Header*>(object)->place = nullptr;
  cache_->Free(object);
}

bool TableOfObjects::CanFree(absl::Span<void*> objects) {
  for (void*& object : objects) {
    if (static_cast<Header*>(object)->place == nullptr) object = nullptr;
  }
  return true;
}

void TableOfObjects::Reclaim(absl::Span<void*> objects, reclaim::MoveTarget& target) {
  for (void* object : objects) {
    if (object == nullptr) continue;
    void* destination = target.unpin_only() ? nullptr : target.destination();
    if (destination == nullptr) {
      target.Settle(object, reclaim::MoveResult::kBusy);
      continue;
    }
    std::memcpy(destination, object, size_);
    *static_cast<Header*>(object)->place = destination;
    target.Settle(object, reclaim::MoveResult::kMoved);
  }
}

}  // namespace mxa::bench
