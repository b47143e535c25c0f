// SPDX-License-Identifier: Apache-2.0
//
// An object of a fuzzed cache: one word that says what state it is in, whose it is and what its owner answers when it is to
// move, and bytes that follow from whose it is.
//
// Threads: the word is read and written by any; the bytes as the cache orders their users.
#ifndef MXA_TESTS_FUZZ_FUZZ_OBJECT_H_
#define MXA_TESTS_FUZZ_FUZZ_OBJECT_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "tests/fuzz/cache_program.h"

namespace mxa::fuzz {

// What the low byte of the word says. None is what a debug option writes.
enum class ObjectState : uint8_t {
  kConstructed = 0xc0,
  kLive = 0x11,
  kRetired = 0xde,    // passed to FreeRcu
  kMovedAway = 0x3a,  // the old place of an object that was moved
  kDestroyed = 0x0d,
};

constexpr uint64_t WordOf(ObjectState state, uint64_t id, Answer answer = Answer::kMove) {
  return id << 16 | static_cast<uint64_t>(answer) << 8 | static_cast<uint64_t>(state);
}
constexpr ObjectState StateOf(uint64_t word) { return static_cast<ObjectState>(word & 0xff); }
constexpr Answer AnswerOf(uint64_t word) { return static_cast<Answer>(word >> 8 & 0xff); }
constexpr uint64_t IdOf(uint64_t word) { return word >> 16; }

class FuzzObject {
 public:
  FuzzObject(void* memory, size_t size) : memory_(static_cast<unsigned char*>(memory)), size_(size) {}

  uint64_t word() const { return Word().load(std::memory_order_acquire); }
  // Release: whoever reads the word sees the bytes that were written before it.
  void SetWord(uint64_t word) { Word().store(word, std::memory_order_release); }
  void SetState(ObjectState state) { SetWord(WordOf(state, IdOf(word()), AnswerOf(word()))); }

  // Bytes first, then the word.
  void Write(ObjectState state, uint64_t id, Answer answer = Answer::kMove) {
    ForEachPiece(id,
                 [](unsigned char* at, const unsigned char* piece, size_t bytes) { std::memcpy(at, piece, bytes); });
    SetWord(WordOf(state, id, answer));
  }
  // Whether the bytes are what `id` says.
  bool Proves(uint64_t id) const {
    bool same = true;
    ForEachPiece(id, [&](const unsigned char* at, const unsigned char* piece, size_t bytes) {
      same = same && std::memcmp(at, piece, bytes) == 0;
    });
    return same;
  }
  bool IsConstructed() const { return word() == WordOf(ObjectState::kConstructed, 0) && Proves(0); }

 private:
  // Of large objects the first and the last bytes: programs are to be fast.
  static constexpr size_t kEnd = 64;

  // Acquire and release: see SetWord.
  std::atomic_ref<uint64_t> Word() const { return std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(memory_)); }

  template <typename Use>
  void ForEachPiece(uint64_t id, Use use) const {
    const size_t first_end = std::min(size_, kEnd);
    PiecesOf(sizeof(uint64_t), first_end, id, use);
    PiecesOf(std::max(first_end, (size_ - std::min(size_, kEnd)) & ~size_t{7}), size_, id, use);
  }
  template <typename Use>
  void PiecesOf(size_t begin, size_t end, uint64_t id, Use use) const {
    for (size_t at = begin; at < end; at += sizeof(uint64_t)) {
      const uint64_t value = (id + 1) * 0x9e3779b97f4a7c15u + at;
      unsigned char piece[sizeof value];
      std::memcpy(piece, &value, sizeof value);
      use(memory_ + at, piece, std::min(sizeof value, end - at));
    }
  }

  unsigned char* memory_;
  size_t size_;
};

}  // namespace mxa::fuzz

#endif  // MXA_TESTS_FUZZ_FUZZ_OBJECT_H_
