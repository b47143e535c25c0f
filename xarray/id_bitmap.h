// SPDX-License-Identifier: Apache-2.0
//
// Which of 1024 consecutive IDs are allocated, as the slots of an Ida's array hold it: 63 bits in a value entry while
// that is enough, else an IdBitmap.
//
// Threads: bits change under the array lock ("Locked"); readers look at any time, under RCU.
// Why a bitmap also knows which of its words are full and which are not empty, though that makes it no power of two: to
// scan sixteen words costs more than all else of an allocation, most of it for the one branch that nobody can predict.
#ifndef MXA_XARRAY_ID_BITMAP_H_
#define MXA_XARRAY_ID_BITMAP_H_

#include <atomic>
#include <bit>
#include <cstdint>

#include "xarray/entry.h"

namespace mxa::xarray {

inline constexpr unsigned kChunkBits = 10;
inline constexpr unsigned kChunkIds = 1u << kChunkBits;
inline constexpr unsigned kValueIds = 63;  // as many as a value entry has bits

constexpr uint64_t ChunkOf(uint64_t id) { return id >> kChunkBits; }
constexpr unsigned BitOf(uint64_t id) { return static_cast<unsigned>(id) & (kChunkIds - 1); }

// Constructed state: no bit set.
class alignas(8) IdBitmap {
 public:
  IdBitmap() = default;
  IdBitmap(const IdBitmap&) = delete;
  IdBitmap& operator=(const IdBitmap&) = delete;

  // Relaxed, all of them: the lock orders writers, and to a reader an ID carries nothing but itself. The first bits of a
  // bitmap are ordered by its publication.
  bool Test(unsigned bit) const { return (Word(bit / 64) >> (bit % 64) & 1) != 0; }
  // The first bit from `from` on that is set, or kChunkIds.
  unsigned FindSet(unsigned from) const {
    if (from >= kChunkIds) return kChunkIds;
    uint64_t word = Word(from / 64) & (~uint64_t{0} << (from % 64));
    for (unsigned i = from / 64;; word = Word(i)) {
      if (word != 0) return i * 64 + static_cast<unsigned>(std::countr_zero(word));
      if (++i == kWords) return kChunkIds;
    }
  }

  // The first bit from `from` on that is clear, or kChunkIds.
  unsigned FindClearLocked(unsigned from) const {
    if (from >= kChunkIds) return kChunkIds;
    const unsigned first = from / 64;
    if (const uint64_t word = ~Word(first) & (~uint64_t{0} << (from % 64)); word != 0) {
      return first * 64 + static_cast<unsigned>(std::countr_zero(word));
    }
    const unsigned open = ~unsigned{full_words_} & (kAllWords << 1 << first) & kAllWords;
    if (open == 0) return kChunkIds;
    const unsigned i = static_cast<unsigned>(std::countr_zero(open));
    return i * 64 + static_cast<unsigned>(std::countr_one(Word(i)));
  }
  // As FindClearLocked(0). REQUIRES: not full.
  unsigned FirstClearLocked() const {
    const unsigned i = static_cast<unsigned>(std::countr_one(unsigned{full_words_}));
    return i * 64 + static_cast<unsigned>(std::countr_one(Word(i)));
  }
  bool IsFullLocked() const { return full_words_ == kAllWords; }
  bool IsEmptyLocked() const { return used_words_ == 0; }

  void SetLocked(unsigned bit) { StoreLocked(bit / 64, Word(bit / 64) | uint64_t{1} << (bit % 64)); }
  void ClearLocked(unsigned bit) { StoreLocked(bit / 64, Word(bit / 64) & ~(uint64_t{1} << (bit % 64))); }
  // For a bitmap that no other thread can reach yet.
  void InitFirst(uint64_t word) { StoreLocked(0, word); }
  // Back to the constructed state. REQUIRES: no reader is left.
  void Reset() {
    for (unsigned i = 0; i < kWords; ++i) StoreLocked(i, 0);
  }

  // For invariant checks.
  bool SummaryIsRightLocked() const {
    for (unsigned i = 0; i < kWords; ++i) {
      if ((full_words_ >> i & 1) != (Word(i) == ~uint64_t{0} ? 1 : 0)) return false;
      if ((used_words_ >> i & 1) != (Word(i) != 0 ? 1 : 0)) return false;
    }
    return true;
  }

 private:
  static constexpr unsigned kWords = kChunkIds / 64;
  static constexpr unsigned kAllWords = (1u << kWords) - 1;

  uint64_t Word(unsigned i) const { return words_[i].load(std::memory_order_relaxed); }  // relaxed: see above
  void StoreLocked(unsigned i, uint64_t word) {
    words_[i].store(word, std::memory_order_relaxed);  // relaxed: see above
    const unsigned others = ~(1u << i);
    full_words_ = static_cast<uint16_t>((full_words_ & others) | unsigned{word == ~uint64_t{0}} << i);
    used_words_ = static_cast<uint16_t>((used_words_ & others) | unsigned{word != 0} << i);
  }

  uint16_t full_words_ = 0;  // bit i: word i is all ones
  uint16_t used_words_ = 0;  // bit i: word i is not zero
  std::atomic<uint64_t> words_[kWords]{};
};

static_assert(sizeof(IdBitmap) == 136);

// --- The entry of a chunk: null, a value, or a bitmap. Null is no ID at all.

constexpr Entry IdValueEntry(uint64_t bits) { return bits << 1 | 1; }
constexpr uint64_t IdValueBits(Entry entry) { return entry >> 1; }
inline Entry IdBitmapEntry(const IdBitmap* bitmap) { return reinterpret_cast<Entry>(bitmap); }
// Null if the entry is not a bitmap.
inline IdBitmap* EntryIdBitmap(Entry entry) { return IsValue(entry) ? nullptr : reinterpret_cast<IdBitmap*>(entry); }

inline bool HasId(Entry entry, unsigned bit) {
  if (const IdBitmap* bitmap = EntryIdBitmap(entry)) return bitmap->Test(bit);
  return bit < kValueIds && (IdValueBits(entry) >> bit & 1) != 0;
}

// The first ID of the chunk from `from` on that is allocated, or kChunkIds.
inline unsigned FirstId(Entry entry, unsigned from) {
  if (const IdBitmap* bitmap = EntryIdBitmap(entry)) return bitmap->FindSet(from);
  if (from >= kValueIds) return kChunkIds;
  const uint64_t ahead = IdValueBits(entry) >> from;
  return ahead == 0 ? kChunkIds : from + static_cast<unsigned>(std::countr_zero(ahead));
}

// The first ID of the chunk from `from` on that is free, or kChunkIds. Context: the array lock is held.
inline unsigned FirstFreeIdLocked(Entry entry, unsigned from) {
  if (const IdBitmap* bitmap = EntryIdBitmap(entry)) return bitmap->FindClearLocked(from);
  if (from >= kValueIds) return from;
  // Bit 63 of the value is clear, and so is the ID for it.
  return from + static_cast<unsigned>(std::countr_one(IdValueBits(entry) >> from));
}

// Context: the array lock is held.
inline bool IsFullChunkLocked(Entry entry) {
  const IdBitmap* bitmap = EntryIdBitmap(entry);
  return bitmap != nullptr && bitmap->IsFullLocked();
}

}  // namespace mxa::xarray

#endif  // MXA_XARRAY_ID_BITMAP_H_
