// SPDX-License-Identifier: Apache-2.0
#include "xarray/id_bitmap_cache.h"

#include <new>
#include <utility>

#include "absl/base/attributes.h"
#include "base/check.h"
#include "reclaim/fork_hold.h"

namespace mxa::xarray {
namespace {

void ConstructBitmap(void* object) { new (object) IdBitmap; }

void ResetBitmap(void* object) { static_cast<IdBitmap*>(object)->Reset(); }

}  // namespace

absl::StatusOr<std::unique_ptr<IdBitmapCache>> IdBitmapCache::Create(slab::Arena* arena) {
  slab::CacheOptions options;
  options.name = "xarray_id_bitmap";
  options.object_size = sizeof(IdBitmap);
  options.alignment = alignof(IdBitmap);
  options.constructor = &ConstructBitmap;
  options.rcu_destructor = &ResetBitmap;
  options.arena = arena;
  absl::StatusOr<std::unique_ptr<slab::Cache>> slabs = slab::Cache::Create(options);
  if (!slabs.ok()) return slabs.status();
  std::unique_ptr<IdBitmapCache> bitmaps(new IdBitmapCache);
  bitmaps->slabs_ = *std::move(slabs);
  return bitmaps;
}

IdBitmapCache& IdBitmapCache::Default() {
  ABSL_CONST_INIT static reclaim::Immortal<IdBitmapCache> bitmaps;
  return bitmaps.Get([] {
    absl::StatusOr<std::unique_ptr<IdBitmapCache>> created = Create();
    MXA_CHECK(created.ok(), "cannot create the default cache of ID bitmaps");
    return created->release();
  });
}

IdBitmapCache::~IdBitmapCache() = default;

IdBitmap* IdBitmapCache::Allocate(slab::AllocFlags flags) { return static_cast<IdBitmap*>(slabs_->Allocate(flags)); }

void IdBitmapCache::Free(IdBitmap* bitmap) { slabs_->Free(bitmap); }

void IdBitmapCache::Retire(IdBitmap* bitmap) { slabs_->FreeRcu(bitmap); }

}  // namespace mxa::xarray
