// SPDX-License-Identifier: Apache-2.0
//
// Which thread has sheaves of which cache: a table per thread for the fast path, a list per cache for drains.
//
// Invariants:
//   T1  a thread's table entry for a cache id and that cache's list name the same ThreadSheaves, or neither has it.
// Threads: Find from the owning thread without a lock; all else under one process-wide lock, which comes before the
// sheaves' own and before leaf locks.
#ifndef MXA_SLAB_THREAD_REGISTRY_H_
#define MXA_SLAB_THREAD_REGISTRY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/base/attributes.h"
#include "base/intrusive_list.h"
#include "base/mutex.h"
#include "slab/thread_sheaves.h"

namespace mxa::slab {

// Guards every ThreadTable and every cache's list of ThreadSheaves.
Mutex& ThreadRegistryMutex();

// The calling thread's sheaves by cache id. Grows; the one that threads start with is empty.
struct ThreadTable {
  uint32_t size = 0;
  std::unique_ptr<std::atomic<ThreadSheaves*>[]> entries;
};

extern ThreadTable empty_thread_table;
ABSL_CONST_INIT inline thread_local ThreadTable* tls_thread_table = &empty_thread_table;

// This thread's sheaves of the cache with this id, or null.
inline ThreadSheaves* FindThreadSheaves(uint32_t cache_id) {
  const ThreadTable& table = *tls_thread_table;
  // Relaxed: set by this thread; cleared by a cache's destroyer, which the user keeps apart from users of the cache.
  return ABSL_PREDICT_TRUE(cache_id < table.size) ? table.entries[cache_id].load(std::memory_order_relaxed) : nullptr;
}

// Enters `sheaves` into the calling thread's table, and arranges that its cache hears of the thread's end
// (CacheCore::OnThreadExit).
void AddThreadSheaves(uint32_t cache_id, ThreadSheaves* sheaves) ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());

// Takes `sheaves` out of its thread's table, whichever thread that is.
void RemoveThreadSheaves(uint32_t cache_id, ThreadSheaves* sheaves)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());

// Small numbers for caches, reused after ReleaseCacheId.
uint32_t AcquireCacheId() ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());
void ReleaseCacheId(uint32_t id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());

}  // namespace mxa::slab

#endif  // MXA_SLAB_THREAD_REGISTRY_H_
