// SPDX-License-Identifier: Apache-2.0
#include "slab/thread_registry.h"

#include <pthread.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "base/check.h"
#include "slab/cache_core.h"
#include "slab/housekeeper.h"

namespace mxa::slab {

namespace {

void GrowFar(ThreadTable& table, uint32_t size) {
  auto* grown = new std::atomic<ThreadSheaves*>[size]();
  // Relaxed: all under the registry's lock, or on the thread itself.
  for (uint32_t i = 0; i < table.far_size; ++i) {
    grown[i].store(table.far[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  delete[] std::exchange(table.far, grown);
  table.far_size = size;
}

std::atomic<ThreadSheaves*>& EntryOf(ThreadTable& table, uint32_t cache_id) {
  return cache_id < ThreadTable::kNear ? table.near[cache_id] : table.far[cache_id - ThreadTable::kNear];
}

IntrusiveList<ThreadTable>& AllTables() ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex()) {
  static auto& tables = *new IntrusiveList<ThreadTable>;
  return tables;
}

void EndThread(ThreadTable& table) ABSL_EXCLUSIVE_LOCKS_REQUIRED(ThreadRegistryMutex()) {
  for (uint32_t id = 0; id < ThreadTable::kNear + table.far_size; ++id) {
    ThreadSheaves* sheaves = EntryOf(table, id).load(std::memory_order_relaxed);
    if (sheaves != nullptr) sheaves->cache->OnThreadExit(sheaves);
  }
  delete[] std::exchange(table.far, nullptr);
  table.far_size = 0;
  AllTables().Remove(table);
}

// A pthread key rather than a thread_local with a destructor: it runs after those, whose code may still allocate and
// free, and runs again when a later destructor brings new sheaves about.
void ThreadExit(void* argument) {
  {
    MutexLock lock(&ThreadRegistryMutex());
    EndThread(*static_cast<ThreadTable*>(argument));
  }
  Housekeeper::Arm();  // what its sheaves held may have emptied slabs
}

pthread_key_t ExitKey() {
  static const pthread_key_t key = [] {
    pthread_key_t created;
    MXA_CHECK(pthread_key_create(&created, &ThreadExit) == 0, "no thread-specific key left");
    return created;
  }();
  return key;
}

std::vector<bool>& UsedCacheIds() {
  static auto& used = *new std::vector<bool>;
  return used;
}

}  // namespace

Mutex& ThreadRegistryMutex() {
  ABSL_CONST_INIT static Mutex mutex(absl::kConstInit);
  return mutex;
}

ThreadSheaves* FindThreadSheaves(uint32_t cache_id) {
  ThreadTable& table = tls_thread_table;
  if (cache_id >= ThreadTable::kNear + table.far_size) return nullptr;
  // Relaxed: as in FindNearThreadSheaves.
  return EntryOf(table, cache_id).load(std::memory_order_relaxed);
}

void AddThreadSheaves(uint32_t cache_id, ThreadSheaves* sheaves) {
  ThreadTable& table = tls_thread_table;
  MXA_CHECK(pthread_setspecific(ExitKey(), &table) == 0, "cannot arrange for the thread's end");
  if (table.list == nullptr) AllTables().PushBack(table);
  if (cache_id >= ThreadTable::kNear + table.far_size) GrowFar(table, std::max(2 * table.far_size, cache_id));
  sheaves->table = &table;
  EntryOf(table, cache_id).store(sheaves, std::memory_order_relaxed);
}

void RemoveThreadSheaves(uint32_t cache_id, ThreadSheaves* sheaves) {
  EntryOf(*sheaves->table, cache_id).store(nullptr, std::memory_order_relaxed);
}

void EndOtherThreads() {
  MutexLock lock(&ThreadRegistryMutex());
  // The storage of threads that are gone stays as it is until the child starts a thread.
  for (ThreadTable* table = AllTables().front(); table != nullptr;) {
    ThreadTable* next = AllTables().next(*table);
    if (table != &tls_thread_table) EndThread(*table);
    table = next;
  }
}

IntrusiveList<CacheCore>& AllCaches() {
  static auto& caches = *new IntrusiveList<CacheCore>;
  return caches;
}

uint32_t AcquireCacheId() {
  std::vector<bool>& used = UsedCacheIds();
  const auto unused = std::find(used.begin(), used.end(), false);
  const uint32_t id = static_cast<uint32_t>(unused - used.begin());
  if (unused == used.end()) {
    used.push_back(true);
  } else {
    *unused = true;
  }
  return id;
}

void ReleaseCacheId(uint32_t id) { UsedCacheIds()[id] = false; }

}  // namespace mxa::slab
