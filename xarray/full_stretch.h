// SPDX-License-Identifier: Apache-2.0
//
// Neighbouring chunks of an Ida that are known to be full, but for one: where the next ID comes from without a search.
//
// Invariants (D3 of ida.h):
//   F1  each chunk from from_ up to, not including, to_ is full, but for the open one; then that is in between.
//   F2  open_, when not null, is the bitmap of chunk open_chunk_ and has an ID free. So the lowest free ID from any chunk
//       of the stretch up to the open one on lies there, or behind it.
//   F3  the open chunk carries its mark unless is_marked_ is false; then it does not, and no search finds it.
// So an ID that is given back below all others that are free, and is the next to be handed out, costs neither a search nor
// marks that are set and cleared on every level.
// Threads: the array lock is held.
// Why no node beside the bitmap: nodes move, bitmaps do not.
#ifndef MXA_XARRAY_FULL_STRETCH_H_
#define MXA_XARRAY_FULL_STRETCH_H_

#include <cstdint>
#include <optional>

#include "xarray/id_bitmap.h"

namespace mxa::xarray {

class FullStretch {
 public:
  // The open chunk, if no chunk before it that is not below `chunk` has an ID free.
  IdBitmap* OpenFrom(uint64_t chunk) const {
    return open_ != nullptr && from_ <= chunk && chunk <= open_chunk_ ? open_ : nullptr;
  }
  uint64_t open_chunk() const { return open_chunk_; }

  // The chunk that must be marked before a search can find whatever is free.
  std::optional<uint64_t> Settle() {
    if (open_ == nullptr || is_marked_) return std::nullopt;
    is_marked_ = true;
    return open_chunk_;
  }

  // A search from chunk `from` on has found `chunk` the first with an ID free, and one has been taken from it. `bitmap` is
  // what the chunk has now, null if that is no bitmap. REQUIRES: settled.
  void Found(uint64_t from, uint64_t chunk, IdBitmap* bitmap) {
    if (open_ != nullptr || from < from_ || from > to_) from_ = from;
    to_ = bitmap == nullptr ? chunk : chunk + 1;
    open_ = bitmap == nullptr || bitmap->IsFullLocked() ? nullptr : bitmap;
    open_chunk_ = chunk;
    is_marked_ = true;
  }

  // The last ID of the open chunk has been taken; whether it has a mark to be cleared.
  bool FillOpen() {
    open_ = nullptr;
    return is_marked_;
  }

  // An ID of `chunk`, which was full and has `bitmap`, has become free. The chunk that must be marked for it, if any.
  std::optional<uint64_t> Opened(uint64_t chunk, IdBitmap* bitmap) {
    if (!Contains(chunk)) return chunk;
    if (open_ != nullptr && chunk > open_chunk_) {
      to_ = chunk;
      return chunk;
    }
    const std::optional<uint64_t> left = Settle();
    if (open_ != nullptr) to_ = open_chunk_;
    open_ = bitmap;
    open_chunk_ = chunk;
    is_marked_ = false;
    return left;
  }

  // The last ID of `chunk` has become free, and its bitmap goes.
  void Emptied(uint64_t chunk) {
    if (!Contains(chunk)) return;  // else it is the open one
    to_ = chunk;
    open_ = nullptr;
  }

  // --- For checks.

  bool Contains(uint64_t chunk) const { return from_ <= chunk && chunk < to_; }
  uint64_t size() const { return to_ - from_; }
  bool IsOpen(uint64_t chunk) const { return open_ != nullptr && chunk == open_chunk_; }
  bool IsOpenUnmarked(uint64_t chunk) const { return IsOpen(chunk) && !is_marked_; }

 private:
  uint64_t from_ = 0;
  uint64_t to_ = 0;
  IdBitmap* open_ = nullptr;
  uint64_t open_chunk_ = 0;
  bool is_marked_ = false;
};

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_FULL_STRETCH_H_
