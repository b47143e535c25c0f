// SPDX-License-Identifier: Apache-2.0
//
// A sheaf: a small stack of free objects of one cache that changes hands as a whole (Babka 2024; Bonwick's magazine).
//
// Threads: belongs to one owner section, one lock or one grace period at a time. Only its size may be read from elsewhere, for statistics.
#ifndef MXA_SLAB_SHEAF_H_
#define MXA_SLAB_SHEAF_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "reclaim/retire.h"

namespace mxa::slab {

class CacheCore;

struct Sheaf : reclaim::RetireHead {
  Sheaf* next_in_barn = nullptr;
  CacheCore* cache = nullptr;
  uint32_t capacity = 0;

  // Objects follow the struct.
  static Sheaf* New(CacheCore* cache, size_t capacity);
  static void Delete(Sheaf* sheaf);

  size_t size() const { return size_.load(std::memory_order_relaxed); }
  bool empty() const { return size() == 0; }
  bool full() const { return size() == capacity; }
  void** objects() { return reinterpret_cast<void**>(this + 1); }
  absl::Span<void*> span() { return {objects(), size()}; }

  // REQUIRES: !empty().
  void* Pop() {
    const uint32_t left = static_cast<uint32_t>(size()) - 1;
    set_size(left);
    return objects()[left];
  }
  // REQUIRES: !full().
  void Push(void* object) {
    objects()[size()] = object;
    set_size(size() + 1);
  }
  void set_size(size_t size) { size_.store(static_cast<uint32_t>(size), std::memory_order_relaxed); }

 private:
  // Relaxed: whoever hands the sheaf over orders its contents; statistics take what they see.
  std::atomic<uint32_t> size_{0};
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_SHEAF_H_
