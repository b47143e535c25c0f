// SPDX-License-Identifier: Apache-2.0
#include "xarray/value_cache.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace mxa::xarray {
namespace {

void ConstructValue(void* object) { new (object) MapValue; }

}  // namespace

absl::StatusOr<std::unique_ptr<ValueCache>> ValueCache::Create(const ValueKind& kind, slab::Arena* arena) {
  std::unique_ptr<ValueCache> values(new ValueCache(kind));
  slab::CacheOptions options;
  options.name = absl::StrCat("movable_map_", kind.size);
  options.object_size = values->offset_ + kind.size;
  options.alignment = std::max(kind.alignment, alignof(MapValue));
  options.constructor = &ConstructValue;
  options.rcu_destructor = kind.end;
  options.movable = &values->mover_;
  options.arena = arena;
  absl::StatusOr<std::unique_ptr<slab::Cache>> slabs = slab::Cache::Create(options);
  if (!slabs.ok()) return slabs.status();
  values->slabs_ = *std::move(slabs);
  return values;
}

ValueCache::~ValueCache() = default;

MapValue* ValueCache::Allocate() { return static_cast<MapValue*>(slabs_->Allocate(slab::AllocFlags::kMayReclaim)); }

void ValueCache::Free(MapValue* value) {
  value->Reset();
  slabs_->Free(value);
}

void ValueCache::Retire(MapValue* value) {
  value->Retire();
  slabs_->FreeRcu(value);
}

void ValueCache::CopyBytes(const MapValue& from, MapValue& to) const {
  std::memcpy(to.At(offset_), from.At(offset_), kind_.size);
}

}  // namespace mxa::xarray
