// SPDX-License-Identifier: Apache-2.0
//
// A sheaf: a small stack of free objects of one cache that changes hands as a whole (Babka 2024; Bonwick's magazine).
//
// Threads: belongs to one owner section, one lock or one grace period at a time. Only its size may be read from
// elsewhere, for statistics.
#ifndef MXA_SLAB_SHEAF_H_
#define MXA_SLAB_SHEAF_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/optimization.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "reclaim/retire.h"

namespace mxa::slab {

class CacheCore;

struct Sheaf : reclaim::RetireHead {
  Sheaf* next_in_barn = nullptr;
  CacheCore* cache = nullptr;
  uint32_t capacity = 0;

  // Objects follow the struct. Null when there is no memory.
  static Sheaf* New(CacheCore* cache, size_t capacity);
  static void Delete(Sheaf* sheaf);

  size_t size() const { return size_.load(std::memory_order_relaxed); }
  bool empty() const { return size() == 0; }
  bool full() const { return size() == capacity; }
  void** objects() { return reinterpret_cast<void**>(this + 1); }
  absl::Span<void*> span() { return {objects(), size()}; }

  // Null when empty. (These two read the size once: the compiler does not merge atomic loads.)
  void* TryPop() {
    const size_t before = size();
    if (ABSL_PREDICT_FALSE(before == 0)) return nullptr;
    set_size(before - 1);
    return objects()[before - 1];
  }
  // False when full.
  bool TryPush(void* object) {
    const size_t before = size();
    if (ABSL_PREDICT_FALSE(before == capacity)) return false;
    objects()[before] = object;
    set_size(before + 1);
    return true;
  }
  // REQUIRES: !full().    (CHECKed)
  void Push(void* object) { MXA_CHECK(TryPush(object), "push to a full sheaf"); }
  void set_size(size_t size) { size_.store(static_cast<uint32_t>(size), std::memory_order_relaxed); }

 private:
  // Relaxed: whoever hands the sheaf over orders its contents; statistics take what they see.
  std::atomic<uint32_t> size_{0};
};

}  // namespace mxa::slab

#endif  // MXA_SLAB_SHEAF_H_
