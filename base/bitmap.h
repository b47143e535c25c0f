// SPDX-License-Identifier: Apache-2.0
//
// Bit operations on an array of 64-bit words that somebody else owns.
//
// Threads: none of its own; the owner of the words locks.
#ifndef MXA_BASE_BITMAP_H_
#define MXA_BASE_BITMAP_H_

#include <bit>
#include <cstddef>
#include <cstdint>

namespace mxa::bitmap {

inline constexpr size_t kNone = ~size_t{0};

constexpr size_t WordsFor(size_t bits) { return (bits + 63) / 64; }

inline bool Test(const uint64_t* words, size_t bit) { return (words[bit / 64] >> (bit % 64) & 1) != 0; }
inline void Set(uint64_t* words, size_t bit) { words[bit / 64] |= uint64_t{1} << (bit % 64); }
inline void Clear(uint64_t* words, size_t bit) { words[bit / 64] &= ~(uint64_t{1} << (bit % 64)); }

// Sets the first `bits` bits and clears the rest of the last word.
inline void Fill(uint64_t* words, size_t bits) {
  const size_t whole = bits / 64;
  for (size_t i = 0; i < whole; ++i) words[i] = ~uint64_t{0};
  if (bits % 64 != 0) words[whole] = (uint64_t{1} << (bits % 64)) - 1;
}

inline void Reset(uint64_t* words, size_t bits) {
  for (size_t i = 0; i < WordsFor(bits); ++i) words[i] = 0;
}

// The first set bit, or kNone.
inline size_t FindFirst(const uint64_t* words, size_t bits) {
  for (size_t i = 0; i < WordsFor(bits); ++i) {
    if (words[i] != 0) return i * 64 + static_cast<size_t>(std::countr_zero(words[i]));
  }
  return kNone;
}

inline size_t Count(const uint64_t* words, size_t bits) {
  size_t count = 0;
  for (size_t i = 0; i < WordsFor(bits); ++i) count += static_cast<size_t>(std::popcount(words[i]));
  return count;
}

// Calls `visit(bit)` for every set bit in ascending order.
template <typename Visit>
void ForEachSet(const uint64_t* words, size_t bits, Visit visit) {
  for (size_t i = 0; i < WordsFor(bits); ++i) {
    for (uint64_t word = words[i]; word != 0; word &= word - 1) {
      visit(i * 64 + static_cast<size_t>(std::countr_zero(word)));
    }
  }
}

}  // namespace mxa::bitmap

#endif  // MXA_BASE_BITMAP_H_
