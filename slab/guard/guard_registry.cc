// SPDX-License-Identifier: Apache-2.0
#include "slab/guard/guard_registry.h"

#include <array>
#include <atomic>
#include <cstdint>

#include "absl/base/attributes.h"
#include "base/mutex.h"

namespace mxa::slab {
namespace {

struct Listed {
  std::atomic<const GuardPool*> pool{nullptr};
  std::atomic<uintptr_t> start{0};
  std::atomic<size_t> bytes{0};  // 0: nothing listed here
};

ABSL_CONST_INIT Mutex registry_mutex(absl::kConstInit);  // between those who write
ABSL_CONST_INIT std::array<Listed, kMaxRegisteredGuardPools> listed;

}  // namespace

void RegisterGuardPool(const GuardPool* pool, const void* start, size_t bytes) {
  MutexLock lock(&registry_mutex);
  for (Listed& place : listed) {
    // Relaxed: written under this lock only.
    if (place.pool.load(std::memory_order_relaxed) != nullptr) continue;
    place.pool.store(pool, std::memory_order_relaxed);
    place.start.store(reinterpret_cast<uintptr_t>(start), std::memory_order_relaxed);
    // ORDER(guard-registry) release; pairs with acquire in FindGuardPool: who sees the size sees the rest, and the pool
    // as its constructor left it.
    place.bytes.store(bytes, std::memory_order_release);
    return;
  }
}

void UnregisterGuardPool(const GuardPool* pool) {
  MutexLock lock(&registry_mutex);
  for (Listed& place : listed) {
    if (place.pool.load(std::memory_order_relaxed) != pool) continue;
    // Relaxed: nobody may touch memory of a pool that is being destroyed, so there is no fault to be ordered with.
    place.bytes.store(0, std::memory_order_relaxed);
    place.pool.store(nullptr, std::memory_order_relaxed);
    return;
  }
}

const GuardPool* FindGuardPool(const void* address) {
  for (const Listed& place : listed) {
    // ORDER(guard-registry) acquire; pairs with release in RegisterGuardPool.
    const size_t bytes = place.bytes.load(std::memory_order_acquire);
    if (reinterpret_cast<uintptr_t>(address) - place.start.load(std::memory_order_relaxed) < bytes) {
      return place.pool.load(std::memory_order_relaxed);
    }
  }
  return nullptr;
}

}  // namespace mxa::slab
