// SPDX-License-Identifier: Apache-2.0
//
// Which thread has sheaves of which cache: a table per thread for the fast path, a list per cache for drains, and the
// list of all caches.
//
// Invariants:
//   T1  a thread's table entry for a cache id and that cache's list name the same ThreadSheaves, or neither has it.
// Threads: Find from the owning thread without a lock; all else under one process-wide lock, which comes before the
// sheaves' own and before leaf locks.
#ifndef MXA_SLAB_THREAD_REGISTRY_H_
#define MXA_SLAB_THREAD_REGISTRY_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

#include "absl/base/attributes.h"
#include "base/mutex.h"
#include "slab/thread_sheaves.h"

namespace mxa::slab {

// Guards every ThreadTable and every cache's list of ThreadSheaves.
Mutex& ThreadRegistryMutex();

// A thread's sheaves by cache id. Those of the first caches lie in thread-local storage itself: nothing to load on the
// way to them but the entry.
struct ThreadTable : ListLink {  // on the list of all tables once the thread has sheaves
  static constexpr uint32_t kNear = 64;

  // The last one stays null: it is where caches without an entry here look, so that the fast path need not tell them
  // apart.
  std::array<std::atomic<ThreadSheaves*>, kNear + 1> near{};
  // For ids from kNear on; grows; given back at the thread's end. (Not a vector: the table must need no destructor, so
  // that what runs after those of thread-local objects may still use it.)
  std::atomic<ThreadSheaves*>* far = nullptr;
  uint32_t far_size = 0;
};

ABSL_CONST_INIT inline thread_local ThreadTable tls_thread_table;

// Where the sheaves of a cache are looked for first.
inline uint32_t NearPlace(uint32_t cache_id) { return std::min(cache_id, ThreadTable::kNear); }

// This thread's sheaves of the cache with this NearPlace, or null; null also when the place is shared.
inline ThreadSheaves* FindNearThreadSheaves(uint32_t near_place) {
  // Relaxed: set by this thread; cleared by a cache's destroyer, which the user keeps apart from users of the cache.
  return tls_thread_table.near[near_place].load(std::memory_order_relaxed);
}

// This thread's sheaves of the cache with this id, or null.
ThreadSheaves* FindThreadSheaves(uint32_t cache_id);

// Enters `sheaves` into the calling thread's table, and arranges that its cache hears of the thread's end
// (CacheCore::OnThreadExit).
void AddThreadSheaves(uint32_t cache_id, ThreadSheaves* sheaves) ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());

// Takes `sheaves` out of its thread's table, whichever thread that is.
void RemoveThreadSheaves(uint32_t cache_id, ThreadSheaves* sheaves)
    ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());

// In the child of a fork: ends the threads that are not there, as if each had returned.
// REQUIRES: every lock of every cache and of the retire queue is free.
// Context: takes the registry's lock.
void EndOtherThreads();

// Every cache between its construction and its destruction, in the order of their construction.
IntrusiveList<CacheCore>& AllCaches() ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());

// Small numbers for caches, reused after ReleaseCacheId.
uint32_t AcquireCacheId() ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());
void ReleaseCacheId(uint32_t id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex());

}  // namespace mxa::slab

#endif  // MXA_SLAB_THREAD_REGISTRY_H_
