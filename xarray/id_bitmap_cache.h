// SPDX-License-Identifier: Apache-2.0
//
// The slab cache that the bitmaps of any number of Idas live in. They do not move: a bitmap has no way back to its slot.
//
// Threads: everything but the destructor, from any thread at once.
#ifndef MXA_XARRAY_ID_BITMAP_CACHE_H_
#define MXA_XARRAY_ID_BITMAP_CACHE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "slab/cache.h"
#include "xarray/id_bitmap.h"

namespace mxa::xarray {

class IdBitmapCache {
 public:
  // `arena` null: slab::Arena::Default().
  // Errors: as slab::Cache::Create.
  static absl::StatusOr<std::unique_ptr<IdBitmapCache>> Create(slab::Arena* arena = nullptr);

  // The cache that Idas use unless told otherwise; lives until the process ends.
  static IdBitmapCache& Default();

  // REQUIRES: every Ida that uses it has been destroyed.    (CHECKed)
  // Context: as slab::Cache's destructor.
  ~IdBitmapCache();
  IdBitmapCache(const IdBitmapCache&) = delete;
  IdBitmapCache& operator=(const IdBitmapCache&) = delete;

  // A bitmap without a bit set; null when no memory can be had.
  // Context: any; see slab::Cache::Allocate.
  [[nodiscard]] IdBitmap* Allocate(slab::AllocFlags flags);

  // Takes back a bitmap that was never published, without a bit set.
  // Context: any; see slab::Cache::Free.
  void Free(IdBitmap* bitmap);

  // Takes back a bitmap that no slot leads to any more; readers may go on until their section ends.
  // Context: any, also under the array lock.
  void Retire(IdBitmap* bitmap);

  // For statistics and checks.
  slab::Cache& slabs() { return *slabs_; }

 private:
  IdBitmapCache() = default;

  std::unique_ptr<slab::Cache> slabs_;
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_ID_BITMAP_CACHE_H_
