// SPDX-License-Identifier: Apache-2.0
#include "xarray/ida.h"

#include <utility>

#include "absl/strings/str_format.h"
#include "base/check.h"
#include "base/planted_bug.h"
#include "base/schedule_point.h"
#include "reclaim/rcu.h"
#include "xarray/cursor.h"
#include "xarray/node_reserve.h"
#include "xarray/xarray_invariants.h"

namespace mxa::xarray {
namespace {

constexpr Mark kHasFree = Mark::k0;

// A bitmap set aside before anything is changed.
class SpareBitmap {
 public:
  explicit SpareBitmap(IdBitmapCache& bitmaps) : bitmaps_(bitmaps) {}
  ~SpareBitmap() { Clear(); }
  SpareBitmap(const SpareBitmap&) = delete;
  SpareBitmap& operator=(const SpareBitmap&) = delete;

  bool Fill(slab::AllocFlags flags) {
    if (bitmap_ == nullptr) bitmap_ = bitmaps_.Allocate(flags);
    return bitmap_ != nullptr;
  }
  IdBitmap* Take() { return std::exchange(bitmap_, nullptr); }
  void Clear() {
    if (bitmap_ != nullptr) bitmaps_.Free(Take());
  }

 private:
  IdBitmapCache& bitmaps_;
  IdBitmap* bitmap_ = nullptr;
};

}  // namespace

absl::StatusOr<uint64_t> Ida::Allocate(IdLimit limit) {
  // Before the lock: they give back what is left over after it.
  NodeReserve reserve(*chunks_.nodes_);
  SpareBitmap spare(*bitmaps_);
  for (;;) {
    Spot spot;
    {
      ArrayLock lock(chunks_.anchor_);
      if (const std::optional<uint64_t> id = TakeFromOpenLocked(limit); id.has_value()) return *id;
      MarkLocked(stretch_.Settle());
      if (!FindSpotLocked(limit, spot)) return absl::OutOfRangeError("no ID of the limit is free");
      if ((spot.place.nodes_missing == 0 || reserve.Fill(spot.place.nodes_missing, slab::AllocFlags::kNone)) &&
          (!spot.NeedsBitmap() || spare.Fill(slab::AllocFlags::kNone))) {
        TakeLocked(spot, spot.NeedsBitmap() ? spare.Take() : nullptr, reserve);
        return spot.id;
      }
    }
    // Nothing was changed. Memory can be taken back only outside the lock; then another ID may be the lowest.
    reserve.Clear();
    spare.Clear();
    MXA_SCHEDULE_POINT("ida.unlocked_fill");
    if (!reserve.Fill(spot.place.nodes_missing, slab::AllocFlags::kMayReclaim) ||
        (spot.NeedsBitmap() && !spare.Fill(slab::AllocFlags::kMayReclaim))) {
      return absl::ResourceExhaustedError("no memory for the slots of an Ida");
    }
  }
}

// An ID that needs neither a search nor memory, if there is one.
std::optional<uint64_t> Ida::TakeFromOpenLocked(IdLimit limit) {
  const uint64_t first = ChunkOf(limit.min);
  IdBitmap* bitmap = stretch_.OpenFrom(first);
  if (bitmap == nullptr) return std::nullopt;
  const uint64_t chunk = stretch_.open_chunk();
  const unsigned bit = first == chunk ? bitmap->FindClearLocked(BitOf(limit.min)) : bitmap->FirstClearLocked();
  const uint64_t id = chunk << kChunkBits | bit;
  if (bit == kChunkIds || id > limit.max) return std::nullopt;
  bitmap->SetLocked(bit);
  if (bitmap->IsFullLocked() && stretch_.FillOpen()) {
    chunks_.ClearMarkLocked(chunks_.FindLocked(chunk), kHasFree);
  }
  return id;
}

void Ida::MarkLocked(std::optional<uint64_t> chunk) {
  if (chunk.has_value()) chunks_.SetMarkLocked(*chunk, kHasFree);
}

bool Ida::FindSpotLocked(IdLimit limit, Spot& spot) const {
  if (limit.min > limit.max) return false;
  IdLimit chunks = {ChunkOf(limit.min), ChunkOf(limit.max)};
  for (;;) {
    FreePlace found;
    if (!chunks_.FindFreeLocked(chunks, Wanted::kFreeOrMarked0, found)) return false;
    const unsigned from = found.index == ChunkOf(limit.min) ? BitOf(limit.min) : 0;
    const unsigned bit = FirstFreeIdLocked(found.place.entry, from);
    if (bit < kChunkIds) {
      spot = {found.index << kChunkBits | bit, chunks.min, found.place};
      return spot.id <= limit.max;
    }
    // What is free in the first chunk lies before the limit. No other chunk comes here (D2).
    if (found.index == chunks.max) return false;
    chunks.min = found.index + 1;
  }
}

void Ida::TakeLocked(const Spot& spot, IdBitmap* fresh, NodeReserve& reserve) {
  const uint64_t chunk = ChunkOf(spot.id);
  const unsigned bit = BitOf(spot.id);
  const Entry entry = spot.place.entry;
  if (IdBitmap* bitmap = EntryIdBitmap(entry)) {
    bitmap->SetLocked(bit);
    if (bitmap->IsFullLocked()) chunks_.ClearMarkLocked(spot.place, kHasFree);
    stretch_.Found(spot.searched_from, chunk, bitmap);
    return;
  }
  if (fresh != nullptr) {
    fresh->InitFirst(IdValueBits(entry));
    fresh->SetLocked(bit);
    chunks_.PutLocked(chunk, spot.place, IdBitmapEntry(fresh), reserve);
  } else {
    chunks_.PutLocked(chunk, spot.place, IdValueEntry(IdValueBits(entry) | uint64_t{1} << bit), reserve);
  }
  if (entry == kNull) chunks_.SetMarkLocked(chunk, kHasFree);
  stretch_.Found(spot.searched_from, chunk, fresh);
}

void Ida::Free(uint64_t id) {
  const uint64_t chunk = ChunkOf(id);
  const unsigned bit = BitOf(id);
  ArrayLock lock(chunks_.anchor_);
  const Place place = chunks_.FindLocked(chunk);
  MXA_CHECK(HasId(place.entry, bit), "freed an ID that is not allocated");
  if (IdBitmap* bitmap = EntryIdBitmap(place.entry)) {
    if (bitmap->IsFullLocked() && !PlantedBugIs(PlantedBug::kFreedIdNotFound)) {
      MarkLocked(stretch_.Opened(chunk, bitmap));
    }
    bitmap->ClearLocked(bit);
    if (!bitmap->IsEmptyLocked()) return;
    stretch_.Emptied(chunk);
    chunks_.EraseLocked(place);
    bitmaps_->Retire(bitmap);
    return;
  }
  const uint64_t bits = IdValueBits(place.entry) & ~(uint64_t{1} << bit);
  if (bits == 0) {
    chunks_.EraseLocked(place);
  } else {
    NodeReserve none(*chunks_.nodes_);
    chunks_.PutLocked(chunk, place, IdValueEntry(bits), none);
  }
}

bool Ida::Exists(uint64_t id) const {
  reclaim::ReadSection section;
  return HasId(chunks_.LoadInSection(ChunkOf(id)), BitOf(id));
}

std::optional<uint64_t> Ida::FindFirst(IdLimit limit) const {
  reclaim::ReadSection section;
  Cursor cursor(chunks_, ChunkOf(limit.min));
  while (const Entry entry = cursor.Next(ChunkOf(limit.max))) {
    const unsigned bit = FirstId(entry, cursor.index() == ChunkOf(limit.min) ? BitOf(limit.min) : 0);
    if (bit == kChunkIds) continue;  // all before the limit, or freed meanwhile
    const uint64_t id = cursor.index() << kChunkBits | bit;
    if (id > limit.max) break;
    return id;
  }
  return std::nullopt;
}

void Ida::Clear() {
  ArrayLock lock(chunks_.anchor_);
  stretch_ = FullStretch();
  const Entry all = chunks_.UnpublishAllLocked();
  RetireBitmapsLocked(all);
  chunks_.DropAllLocked(all);
}

void Ida::RetireBitmapsLocked(Entry entry) {
  if (!IsNode(entry)) {
    if (IdBitmap* bitmap = EntryIdBitmap(entry)) bitmaps_->Retire(bitmap);
    return;
  }
  for (unsigned offset = 0; offset < kSlots; ++offset) RetireBitmapsLocked(EntryNode(entry)->SlotLocked(offset));
}

absl::Status Ida::CheckInvariants() const {
  if (absl::Status status = xarray::CheckInvariants(chunks_); !status.ok()) return status;
  ArrayLock lock(chunks_.anchor_);
  uint64_t in_stretch = 0;
  Cursor cursor(chunks_, 0);
  while (const Entry entry = cursor.Next(ChunkOf(~uint64_t{0}))) {
    const uint64_t chunk = cursor.index();
    const bool has_free = !IsFullChunkLocked(entry);
    const char* broken = nullptr;
    if (FirstId(entry, 0) == kChunkIds) broken = "D1: a chunk without an ID";
    if (const IdBitmap* bitmap = EntryIdBitmap(entry); bitmap != nullptr && !bitmap->SummaryIsRightLocked()) {
      broken = "D4: a bitmap is wrong about its words";
    }
    if (chunks_.GetMark(chunk, kHasFree) != (has_free && !stretch_.IsOpenUnmarked(chunk))) {
      broken = "D2: a chunk's mark is wrong";
    }
    if (stretch_.Contains(chunk)) {
      ++in_stretch;
      if (has_free != stretch_.IsOpen(chunk)) broken = "D3: a chunk of the stretch is not full, or the open one is";
    }
    if (broken != nullptr) return absl::InternalError(absl::StrFormat("%s, at chunk %u", broken, chunk));
  }
  if (in_stretch != stretch_.size()) return absl::InternalError("D3: a chunk of the stretch is not there");
  return absl::OkStatus();
}

}  // namespace mxa::xarray
