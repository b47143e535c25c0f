// SPDX-License-Identifier: Apache-2.0
//
// An object that proves itself: its state, its slot, a serial number of its allocation, and contents that follow from
// these.
//
// Life: Construct -> kFree -> Fill -> kPrivate -> kLive (in a slot) -> kGone (waits for its grace period) -> Construct.
// A place that is given up (its slab goes, or its object was moved away) is Wrecked until it is constructed again.
// Threads: contents are written by the one who allocated it before others can find it, and never changed until nobody
// can; state and slot by whoever holds the slot's lock or has the object to itself.
#ifndef MXA_TESTS_SLAB_STRESS_PROBE_H_
#define MXA_TESTS_SLAB_STRESS_PROBE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace mxa::slab::stress {

struct Probe {
  enum State : uint64_t {
    kFree = 0x5f5f5f5f,
    kPrivate = 0xb3b3b3b3,
    kLive = 0xa1a1a1a1,
    kGone = 0xd7d7d7d7,
    kAwaited = 0xe9e9e9e9,  // gone, and somebody waits for its destructor
    kWreck = 0xdeaddead,
  };
  std::atomic<uint64_t> state{kFree};
  std::atomic<uint64_t> slot{0};
  uint64_t serial = 0;  // never 0 while allocated
  uint64_t size = 0;
  uint64_t check = 0;
  uint64_t words[1] = {};  // to the end of the object

  static size_t Words(size_t size) { return (size - offsetof(Probe, words)) / sizeof(uint64_t); }
  static uint64_t Mix(uint64_t x) {
    x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15;
    return x ^ (x >> 29);
  }
  uint64_t* word(size_t i) { return words + i; }
  const uint64_t* word(size_t i) const { return words + i; }

  static void Construct(void* place) { new (place) Probe; }

  // Back into the constructed state, while a pass may look at the state and the slot.
  void Reset() {
    serial = 0;
    size = 0;
    check = 0;
    slot.store(0);
    state.store(kFree);
  }

  // In its constructed state: nobody else has it, or had it and did not give it back.
  bool IsConstructed() const {
    return state.load(std::memory_order_relaxed) == kFree && serial == 0 && size == 0 && check == 0;
  }
  void Fill(uint64_t new_serial, uint64_t new_size) {
    serial = new_serial;
    size = new_size;
    check = Mix(new_serial + new_size);
    for (size_t i = 0; i < Words(new_size); ++i) *word(i) = Mix(new_serial ^ (i << 40));
  }
  // Whether it is intact and of the size that it should be.
  bool Verify(uint64_t expected_size) const {
    if (serial == 0 || size != expected_size || check != Mix(serial + size)) return false;
    uint64_t differs = 0;
    for (size_t i = 0; i < Words(expected_size); ++i) differs |= *word(i) ^ Mix(serial ^ (i << 40));
    return differs == 0;
  }
  void CopyContents(const Probe& from) {
    serial = from.serial;
    size = from.size;
    check = from.check;
    for (size_t i = 0; i < Words(from.size); ++i) *word(i) = *from.word(i);
  }
};

}  // namespace mxa::slab::stress

#endif  // MXA_TESTS_SLAB_STRESS_PROBE_H_
