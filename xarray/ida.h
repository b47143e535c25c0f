// SPDX-License-Identifier: Apache-2.0
//
// Ida: hands out IDs of 64 bits, lowest first, where nothing is stored under them.
//
//   mxa::Ida minors;
//   const uint64_t minor = minors.Allocate({.min = 1, .max = 255}).value();
//   minors.Free(minor);
//
// An array of bitmaps, 1024 IDs a slot: dense IDs take little more than a bit each. A slot whose IDs are all among its
// first 63 needs no bitmap.
//
// Invariants (cited by CheckInvariants), besides those of the array (X1 to X9):
//   D1  an entry is a value or a bitmap, and has at least one ID.
//   D2  an entry carries mark 0 when and only when its chunk has an ID free, but for what F3 says of one chunk. So, once
//       that is settled, the lowest free ID is in the lowest slot that is null or marked, which one search finds.
//   D3  F1 to F3 of full_stretch.h.
//   D4  a bitmap knows of each of its words whether it is full and whether it is empty.
// Threads (row runs at once with column; "lock": one after the other, by the array's lock):
//                              Exists FindFirst empty   Allocate Free Clear   destroy
//   Exists FindFirst empty     yes                      yes                   no
//   Allocate Free Clear        yes                      lock                  no
//   a pass over the nodes      yes                      yes                   yes
// Progress: readers never wait.
#ifndef MXA_XARRAY_IDA_H_
#define MXA_XARRAY_IDA_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "xarray/array_core.h"
#include "xarray/full_stretch.h"
#include "xarray/id_bitmap_cache.h"
#include "xarray/id_limit.h"
#include "xarray/node_cache.h"

namespace mxa::xarray {

class Ida {
 public:
  explicit Ida(NodeCache& nodes = NodeCache::Default(), IdBitmapCache& bitmaps = IdBitmapCache::Default())
      : bitmaps_(&bitmaps), chunks_(nodes) {}
  // REQUIRES: no other thread is inside; passes may be.
  ~Ida() { Clear(); }
  Ida(const Ida&) = delete;
  Ida& operator=(const Ida&) = delete;

  // The lowest ID of `limit` that is free; it is allocated from now on.
  //
  // Context: takes the array lock; allocates under it without reclaim, and outside it with.
  // Errors: kOutOfRange when no ID of `limit` is free; kResourceExhausted when there is no memory. Either way nothing
  // has changed.
  absl::StatusOr<uint64_t> Allocate(IdLimit limit = {});

  // REQUIRES: `id` is allocated.    (CHECKed)
  // Context: takes the array lock; allocates nothing, cannot fail.
  void Free(uint64_t id);

  // Whether `id` is allocated. Context: any thread; lock-free; opens a read section of its own.
  bool Exists(uint64_t id) const;

  // The lowest ID of `limit` that is allocated. While others allocate and free: one that was allocated at some moment of
  // the call, such that none below it was allocated during all of it.
  // Context: as Exists.
  std::optional<uint64_t> FindFirst(IdLimit limit = {}) const;

  bool empty() const { return chunks_.empty(); }

  // Frees every ID. Context: takes the array lock, for as long as there are slots.
  void Clear();

  // OK, or the number of the invariant that does not hold and where. Context: takes the array lock; looks at every slot.
  absl::Status CheckInvariants() const;

 private:
  friend class IdaPeer;  // tests/support

  // A free ID and its chunk's place.
  struct Spot {
    uint64_t id;
    uint64_t searched_from;  // chunks from there up to the ID's are full
    Place place;
    // Needs a bitmap that is not there yet.
    bool NeedsBitmap() const { return BitOf(id) >= kValueIds && EntryIdBitmap(place.entry) == nullptr; }
  };

  std::optional<uint64_t> TakeFromOpenLocked(IdLimit limit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(chunks_.anchor_);
  bool FindSpotLocked(IdLimit limit, Spot& spot) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(chunks_.anchor_);
  void TakeLocked(const Spot& spot, IdBitmap* fresh, NodeReserve& reserve)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(chunks_.anchor_);
  void MarkLocked(std::optional<uint64_t> chunk) ABSL_EXCLUSIVE_LOCKS_REQUIRED(chunks_.anchor_);
  void RetireBitmapsLocked(Entry entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(chunks_.anchor_);

  // In a line that only writers touch.
  IdBitmapCache* const bitmaps_;
  FullStretch stretch_ ABSL_GUARDED_BY(chunks_.anchor_);
  ArrayCore chunks_;
};

}  // namespace mxa::xarray

namespace mxa {
using xarray::Ida;
using xarray::IdLimit;
}  // namespace mxa

#endif  // MXA_XARRAY_IDA_H_
