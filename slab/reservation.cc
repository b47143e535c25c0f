// SPDX-License-Identifier: Apache-2.0
#include "slab/reservation.h"

#include <sys/mman.h>

#include <cstdint>

#include "absl/debugging/leak_check.h"

namespace mxa::slab {

Reservation::Reservation(size_t bytes, size_t alignment) {
  const size_t padded = bytes + alignment;
  void* raw = mmap(nullptr, padded, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED) return;
  const uintptr_t start = reinterpret_cast<uintptr_t>(raw);
  const uintptr_t aligned = (start + alignment - 1) & ~(alignment - 1);
  if (aligned != start) munmap(raw, aligned - start);
  if (const uintptr_t tail = start + padded - (aligned + bytes); tail != 0) {
    munmap(reinterpret_cast<void*>(aligned + bytes), tail);
  }
  start_ = reinterpret_cast<void*>(aligned);
  bytes_ = bytes;
  absl::RegisterLivePointers(start_, bytes_);
}

Reservation::~Reservation() {
  if (start_ == nullptr) return;
  absl::UnRegisterLivePointers(start_, bytes_);
  munmap(start_, bytes_);
}

}  // namespace mxa::slab
